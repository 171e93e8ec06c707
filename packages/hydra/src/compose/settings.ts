import { HydraError } from '../errors.ts';
import { Interpolator, type ResolveOptions } from '../interpolation/interpolator.ts';
import { type MapNode, type Plain, toPlain } from '../tree/node.ts';
import type { Composition } from './compose.ts';

/** Reads resolved values of the `hydra` block. */
export interface HydraSettings {
  /** Undefined when the key is not there, must be given, or cannot be resolved yet. */
  value(path: string): Plain | undefined;
  /** Text or a number as text; null for anything else. */
  text(path: string): string | null;
  number(path: string): number | null;
}

export function readSettings(composition: Composition, options: ResolveOptions): HydraSettings {
  const entries = new Map([...composition.config.entries, ['hydra', composition.hydra] as const]);
  const root: MapNode = { kind: 'map', entries, origin: '' };
  const value = (path: string): Plain | undefined => {
    const interpolator = new Interpolator(root, options);
    try {
      const found = interpolator.find(['hydra', ...path.split('.')]);
      const plain = found === undefined ? undefined : toPlain(interpolator.settle(found));
      return plain === '???' ? undefined : plain;
    } catch (error) {
      if (error instanceof HydraError) return undefined;
      throw error;
    }
  };
  const text = (path: string) => {
    const found = value(path);
    return typeof found === 'string' || typeof found === 'number' ? String(found) : null;
  };
  const number = (path: string) => {
    const found = value(path);
    return typeof found === 'number' ? found : null;
  };
  return { value, text, number };
}
