export { type Ini, parseIni } from './ini.ts';
export { openStore, type StoreOptions } from './open-store.ts';
export type { Credentials } from './s3/credentials.ts';
export {
  type ObjectBody,
  type ObjectStore,
  type ReadOptions,
  readAll,
  sortByCodePoints,
  type WriteOptions,
} from './store.ts';
