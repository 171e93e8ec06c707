import { CrosscheckError } from '@crosscheck/contract';
import type { DType, NamedTensor } from '@crosscheck/network';
import type { TensorFile } from './tensor-file.ts';

/** Most names that an error lists of each kind; totals are always given. */
const listedAtMost = 20;

const floatTypes: readonly DType[] = ['F32', 'F16', 'BF16', 'F64'];

/**
 * Compares a file's tensors with those expected and throws one error that names every missing, unexpected and misshapen one.
 * Batch norm's `num_batches_tracked` may be missing: nothing in the network reads it.
 *
 * @param what for the message: what the tensors are for, such as "the vision backbone"
 * @param isIgnored tells names that the file may hold besides
 * @throws CROSSCHECK_WEIGHTS_MISMATCH
 */
export function checkTensors(
  file: Pick<TensorFile, 'path' | 'tensors'>,
  expected: readonly NamedTensor[],
  { what, isIgnored = () => false }: { what: string; isIgnored?: (name: string) => boolean },
): void {
  const names = new Set(expected.map(({ name }) => name));
  const present = expected.filter(({ name }) => file.tensors.has(name));
  const problems = [
    listed(
      'missing',
      expected.filter((tensor) => !file.tensors.has(tensor.name) && !isStepCount(tensor)).map(({ name }) => name),
    ),
    listed(
      'unexpected',
      [...file.tensors.keys()].filter((name) => !names.has(name) && !isIgnored(name)),
    ),
    listed(
      'of another shape',
      present.flatMap((tensor) => shapeProblem(file, tensor)),
    ),
    listed(
      'not floating-point',
      present.flatMap((tensor) => typeProblem(file, tensor)),
    ),
  ].filter((problem) => problem !== '');
  if (problems.length === 0) return;
  throw new CrosscheckError(
    'CROSSCHECK_WEIGHTS_MISMATCH',
    `the tensors in ${file.path} do not fit ${what}: ${problems.join('; ')}. Use weights of this architecture, or configure that of the weights`,
  );
}

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

function listed(kind: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const rest = names.length - listedAtMost;
  return `${names.length} ${kind}: ${names.slice(0, listedAtMost).join(', ')}${rest > 0 ? `, … and ${rest} more` : ''}`;
}
