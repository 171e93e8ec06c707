export { fetchWhole } from '@crosscheck/http-client';
export * from './closeness.ts';
export * from './folders.ts';
export { type FuzzOptions, fuzzReaders } from './fuzz/fuzz-readers.ts';
export type { FuzzReport, FuzzTarget } from './fuzz/target.ts';
export * from './leaks.ts';
export * from './process.ts';
