export { cacheFolder, homeFolder, sharedCacheFolder, userCacheFolder } from './cache/cache-folder.ts';
export { makeRoom, markUsed } from './cache/make-room.ts';
export { isOnlyOurs, makeOwnFolder } from './cache/own-files.ts';
export { readSealed, sealBytes, sealOf, writeSealed } from './cache/sealed-file.ts';
export { type ConcurrencyOptions, createSlots, forEachConcurrently, mapConcurrently } from './concurrency.ts';
export { ensureFolder } from './ensure-folder.ts';
export { lockFolder } from './folder-lock.ts';
export { digestFile, sha256Of, sha256OfFile } from './hash.ts';
export { cleanLitter, isTemporary, litterIn, makeTemporaryFolder, temporaryBeside } from './litter.ts';
export {
  makeFolder,
  type ReplaceOptions,
  replaceFile,
  replaceFileSync,
  writeWhole,
  writeWholeBy,
} from './replace-file.ts';
