export * from './freeze.ts';
export * from './parameter-names.ts';
export * from './summary.ts';
export * from './tensor.ts';
export * from './vision-blocks.ts';
export * from './efficientnet-variants.ts';
