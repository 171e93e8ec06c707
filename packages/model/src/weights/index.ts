export * from './layout.ts';
export * from './parameter-names.ts';
export * from './safetensors.ts';
export * from './safetensors-writer.ts';
export * from './tensor-file.ts';
export * from './vision-blocks.ts';
