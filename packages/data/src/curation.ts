export { type DataCommand, type Option, parseArguments, runDataCommand, type ValuesOf } from './command-line.ts';
export { type Fate, fates } from './download/fates.ts';
export { type LedgerEntry, readLedger } from './download/ledger.ts';
export { computeSurvival, type Survival, type SurvivalReport, survivalWarning } from './download/survival.ts';
export { type PictureFingerprint } from './fingerprint/fingerprint-picture.ts';
export { normalizeText, wordsOf } from './fingerprint/normalize-text.ts';
export { type Duplicates, findDuplicates, type Likeness, likenesses } from './inspect/find-duplicates.ts';
export { type InspectedPost, type InspectOptions, inspectPosts, type PictureFault } from './inspect/inspect-posts.ts';
export { createProgress, type Progress } from './progress.ts';
