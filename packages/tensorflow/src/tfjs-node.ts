import { createRequire } from 'node:module';
import util from 'node:util';

const require = createRequire(import.meta.url);

/** tfjs-node 4.22 calls helpers that Node 23 removed (tensorflow/tfjs#8609) or warns about. */
function replaceOldUtil(): void {
  const legacy = util as unknown as Record<string, unknown>;
  legacy['isNullOrUndefined'] = (value: unknown) => value === null || value === undefined;
  legacy['isArray'] = Array.isArray;
}

/** tfjs-node asks node-pre-gyp where its addon is. It gets ours in place of that package, so node_modules is left alone. */
function answerForPreGyp(addon: string): void {
  const fromTfjsNode = createRequire(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  const file = fromTfjsNode.resolve('@mapbox/node-pre-gyp');
  const { Module } = require('node:module') as typeof import('node:module');
  const answer = Object.assign(new Module(file), { filename: file, loaded: true, exports: { find: () => addon } });
  fromTfjsNode.cache[file] = answer;
}

/** Must run before `@tensorflow/tfjs-node-gpu` is loaded: makes it open this addon, quietly, on any Node since 20. */
export function prepareTfjsNode(addon: string): void {
  // TensorFlow logs to stderr from C++: 2 leaves errors only. Whoever wants its talk sets the variable.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  // Each process must leave GPU memory to its neighbours.
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  replaceOldUtil();
  answerForPreGyp(addon);
}
