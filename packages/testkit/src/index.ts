export { fetchWhole } from '@crosscheck/http-client';
export * from './closeness.ts';
export * from './folders.ts';
export * from './leaks.ts';
export * from './process.ts';
