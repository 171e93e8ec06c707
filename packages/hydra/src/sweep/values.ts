import { fail } from '../errors.ts';
import { shuffled } from '../overrides/functions.ts';
import type { RangeSweep, Sweep } from '../overrides/override.ts';
import type { ConfigNode, ScalarNode } from '../tree/node.ts';
import { pythonFloat, typedScalar } from '../tree/scalar.ts';

/** Every value of a discrete sweep. `options` lists what a glob chooses from. */
export function sweepValues(sweep: Sweep, options: () => string[]): ConfigNode[] {
  if (sweep.kind === 'interval') {
    return fail(
      'SWEEP',
      `interval(${sweep.start.text},${sweep.end.text}) has no end of values; the basic sweeper takes a,b,c or choice(), range() and glob(); hydra/sweeper=optuna draws from it`,
    );
  }
  if (sweep.kind === 'glob') return globValues(sweep, options());
  const values = sweep.kind === 'choice' ? sweep.list : rangeValues(sweep);
  return sweep.shuffle ? shuffled(values) : values;
}

function globValues(sweep: { include: string[]; exclude: string[] }, options: string[]): ConfigNode[] {
  const matches = (name: string, patterns: string[]) => patterns.some((pattern) => globPattern(pattern).test(name));
  const chosen = options.filter((name) => matches(name, sweep.include) && !matches(name, sweep.exclude));
  if (chosen.length === 0) {
    fail(
      'SWEEP',
      `glob(${sweep.include.join(',')}) matches none of the options: ${options.join(', ') || 'there are none'}`,
    );
  }
  return chosen.map((name) => ({ kind: 'scalar', type: 'string', value: name, text: name, origin: '' }));
}

/** `*`, `?` and `[…]` as in Python's fnmatch. */
function globPattern(pattern: string): RegExp {
  const body = pattern.replace(/\[!?[^\]]+\]|[\s\S]/g, (piece) => {
    if (piece === '*') return '.*';
    if (piece === '?') return '.';
    if (piece.length > 1) return piece.replace('[!', '[^');
    return piece.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^(?:${body})$`, 's');
}

/** A decimal number as digits × 10^-scale, so that 0.1 + 0.2 is 0.3. */
interface Decimal {
  digits: bigint;
  scale: number;
}

function decimalOf(node: ScalarNode): Decimal {
  const [mantissa = '', exponent = '0'] = node.text.toLowerCase().replaceAll('_', '').split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(`${whole.replace('+', '')}${fraction}` || '0');
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** A range in decimal steps: the number that a step is counted in, and where it begins and ends. */
function decimalRange(sweep: RangeSweep) {
  const bounds = [sweep.start, sweep.stop, sweep.step].map(decimalOf) as [Decimal, Decimal, Decimal];
  const scale = Math.max(...bounds.map((bound) => bound.scale));
  const scaled = bounds.map((bound) => bound.digits * 10n ** BigInt(scale - bound.scale));
  const [start, stop, step] = scaled as [bigint, bigint, bigint];
  return { start, stop, step, isWhole: isWhole(sweep), numberOf: (at: bigint) => Number(`${at}e${-scale}`) };
}

const isWhole = (sweep: RangeSweep) => [sweep.start, sweep.stop, sweep.step].every((node) => node.type === 'int');

function rangeValues(sweep: RangeSweep): ScalarNode[] {
  const { start, stop, step, isWhole: whole, numberOf } = decimalRange(sweep);
  const values: ScalarNode[] = [];
  for (let at = start; step > 0n ? at < stop : at > stop; at += step) {
    const number = numberOf(at);
    values.push(typedScalar(whole ? String(number) : pythonFloat(number)));
  }
  return values;
}

/** The first and last of a range's values; null when it has none. */
export function rangeEnds(sweep: RangeSweep): { first: number; last: number; step: number; isWhole: boolean } | null {
  const { start, stop, step, isWhole: whole, numberOf } = decimalRange(sweep);
  const count = (stop - start + step + (step > 0n ? -1n : 1n)) / step;
  if (count <= 0n) return null;
  const last = start + (count - 1n) * step;
  return { first: numberOf(start), last: numberOf(last), step: numberOf(step), isWhole: whole };
}
