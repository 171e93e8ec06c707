import type { TensorFile } from './tensor-file.ts';

/** What a logit above 0 means in a foreign checkpoint. Ours always mean FAKE. */
export type PositiveClass = 'real' | 'fake';

const lastLayer = ['fusion.6.weight', 'fusion.6.bias'];

/**
 * Views a checkpoint so that its logits speak of FAKE. One that was trained with 1 = real (Fakeddit's `2_way_label` as it stands)
 * gets its last layer negated: sigmoid(−z) = 1 − sigmoid(z).
 */
export function viewAsFakeProbability(file: TensorFile, positiveClass: PositiveClass): TensorFile {
  if (positiveClass === 'fake') return file;
  return {
    path: file.path,
    tensors: file.tensors,
    read: async (name) => {
      const values = await file.read(name);
      return lastLayer.includes(name) ? values.map((value) => -value) : values;
    },
    close: () => file.close(),
  };
}
