import { CrosscheckError } from '@crosscheck/contract';
import type { DType, NamedTensor } from '@crosscheck/network';
import { adviseCheckpoint, loneBackboneOf } from './backbones/looks-like.ts';
import type { TensorFile } from './tensor-file.ts';

/** Most names that an error lists of each kind; totals are always given. Where the reason is known, a few are enough. */
const listedAtMost = { known: 3, unknown: 20 };

const floatTypes: readonly DType[] = ['F32', 'F16', 'BF16', 'F64'];

interface Expected {
  /** What the tensors are for, such as "the vision backbone". */
  what: string;
  /** Tells names that the file may hold besides. */
  isIgnored?: (name: string) => boolean;
  /** What to do when they do not fit; null when that is not known. A whole checkpoint is looked at where nothing is given. */
  advise?: () => string | null;
}

const generalAdvice = 'Use weights of this architecture, or configure that of the weights';

/**
 * Compares a file's tensors with those expected and throws one error that names every missing, unexpected and misshapen one.
 * Batch norm's `num_batches_tracked` may be missing: nothing in the network reads it.
 *
 * @throws CROSSCHECK_WEIGHTS_MISMATCH
 */
export function checkTensors(
  file: Pick<TensorFile, 'path' | 'tensors'>,
  expected: readonly NamedTensor[],
  { what, isIgnored = () => false, advise }: Expected,
): void {
  if (advise === undefined) requireWhole(file);
  const names = new Set(expected.map(({ name }) => name));
  const present = expected.filter(({ name }) => file.tensors.has(name));
  const problems = [
    ['missing', expected.filter((tensor) => !file.tensors.has(tensor.name) && !isStepCount(tensor)).map(nameOf)],
    ['unexpected', [...file.tensors.keys()].filter((name) => !names.has(name) && !isIgnored(name))],
    ['of another shape', present.flatMap((tensor) => shapeProblem(file, tensor))],
    ['not floating-point', present.flatMap((tensor) => typeProblem(file, tensor))],
  ] satisfies [kind: string, names: string[]][];
  if (problems.every(([, found]) => found.length === 0)) return;
  const advice = advise ? advise() : adviseCheckpoint(file, tensorsByName(expected));
  const most = advice === null ? listedAtMost.unknown : listedAtMost.known;
  const lists = problems.flatMap(([kind, found]) => listed(kind, found, most)).join('; ');
  throw new CrosscheckError(
    'CROSSCHECK_WEIGHTS_MISMATCH',
    `the tensors in ${file.path} do not fit ${what}: ${lists}. ${advice ?? generalAdvice}`,
  );
}

/** A backbone given for a whole checkpoint would lack hundreds of tensors: said in one sentence. @throws CROSSCHECK_WEIGHTS_MISMATCH */
export function requireWhole(file: Pick<TensorFile, 'path' | 'tensors'>): void {
  const lone = loneBackboneOf(file);
  if (lone === null) return;
  throw new CrosscheckError(
    'CROSSCHECK_WEIGHTS_MISMATCH',
    `expected a whole checkpoint, got ${lone.what} (${file.path}); set ${lone.key} to this file and model.load_model=false, or name a checkpoint that was trained`,
  );
}

const tensorsByName = (tensors: readonly NamedTensor[]): Pick<TensorFile, 'tensors'> => ({
  tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
});

const nameOf = ({ name }: NamedTensor): string => name;

function isStepCount({ dtype }: NamedTensor): boolean {
  return dtype === 'I64';
}

function shapeProblem({ tensors }: Pick<TensorFile, 'tensors'>, { name, shape }: NamedTensor): string[] {
  const got = tensors.get(name)?.shape.join(', ');
  return got === shape.join(', ') ? [] : [`${name} [${got}] instead of [${shape.join(', ')}]`];
}

function typeProblem({ tensors }: Pick<TensorFile, 'tensors'>, tensor: NamedTensor): string[] {
  const dtype = tensors.get(tensor.name)?.dtype ?? 'F32';
  return isStepCount(tensor) || floatTypes.includes(dtype) ? [] : [`${tensor.name} is ${dtype}`];
}

function listed(kind: string, names: readonly string[], most: number): string[] {
  if (names.length === 0) return [];
  const rest = names.length - most;
  return [`${names.length} ${kind}: ${names.slice(0, most).join(', ')}${rest > 0 ? `, … and ${rest} more` : ''}`];
}
