// Loads nothing of TensorFlow: a process enters its cluster before that is opened.
export { type Cluster, cluster, enterCluster } from './enter.ts';
export { freePorts } from './free-ports.ts';
