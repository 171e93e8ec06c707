import sharp from 'sharp';

/** Counts up whenever the same file may give other pixels than before. */
const ownVersion = 4;

/** Changes with whatever may change the pixels of a decoded picture: what is kept of them must not outlive it. */
export const decoderVersion = `${ownVersion} sharp ${sharp.versions.sharp} vips ${sharp.versions.vips}`;
