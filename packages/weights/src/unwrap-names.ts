import type { TensorFile, TensorInfo } from './tensor-file.ts';

/** What wrappers of a module put before the names of all its tensors: DistributedDataParallel, Lightning, task models. */
const wrappers = ['module.', 'model.', 'backbone.'];

/** Names without what torch.compile puts anywhere, and with the names that TensorFlow's BERT gave to layer norms as PyTorch has them. */
const plain = (name: string): string =>
  name
    .replaceAll('_orig_mod.', '')
    .replace(/\bLayerNorm\.gamma$/, 'LayerNorm.weight')
    .replace(/\bLayerNorm\.beta$/, 'LayerNorm.bias');

/** torch's AveragedModel counts here. */
const isCounter = (name: string): boolean => name === 'n_averaged';

/** Views a file under the names that its tensors had before the module was wrapped: without `module.`, `_orig_mod.` and the like. */
export function unwrapNames<F extends TensorFile>(file: F): F {
  const theirs = [...file.tensors.keys()].filter((name) => !isCounter(name));
  const bare = withoutCommonPrefix(theirs.map(plain));
  const isChanged = bare.some((name, i) => name !== theirs[i]);
  if (!isChanged || new Set(bare).size < bare.length) return file;
  const names = new Map(bare.map((name, i) => [name, theirs[i] as string]));
  const tensors = new Map<string, TensorInfo>();
  for (const [name, wrapped] of names) tensors.set(name, { ...(file.tensors.get(wrapped) as TensorInfo), name });
  return { ...file, tensors, read: (name: string) => file.read(names.get(name) ?? name) };
}

function withoutCommonPrefix(names: readonly string[]): readonly string[] {
  const prefix = wrappers.find((wrapper) => names.length > 0 && names.every((name) => name.startsWith(wrapper)));
  return prefix === undefined ? names : withoutCommonPrefix(names.map((name) => name.slice(prefix.length)));
}
