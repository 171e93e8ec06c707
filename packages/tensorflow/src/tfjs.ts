import './open.ts';

export * from '@tensorflow/tfjs-node-gpu';
