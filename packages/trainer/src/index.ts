export { architectureOf } from './network.ts';
export { train } from './train.ts';
