export { cacheFolder, homeFolder, sharedCacheFolder, userCacheFolder } from './cache/cache-folder.ts';
export { makeRoom, markUsed } from './cache/make-room.ts';
export { isOnlyOurs, makeOwnFolder } from './cache/own-files.ts';
export { readSealed, writeSealed } from './cache/sealed-file.ts';
export { ensureFolder } from './ensure-folder.ts';
export { lockFolder } from './folder-lock.ts';
export { cleanLitter, isTemporary, litterIn, makeTemporaryFolder, temporaryBeside } from './litter.ts';
export { inLanes, runConcurrently } from './run-concurrently.ts';
export { makeFolder, writeWhole, writeWholeBy } from './write-whole.ts';
