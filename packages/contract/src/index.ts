export * from './architecture.ts';
export * from './artifact.ts';
export * from './batch.ts';
export * from './checkpoint.ts';
export * from './errors.ts';
export * from './labels.ts';
export * from './preprocessing.ts';
export * from './random.ts';
