import { type ConfigNode, fail, fromPlain, isNull, type MapNode, nodeAt, type Plain, toPlain } from '@crosscheck/hydra';
import { withOurErrors } from './problems.ts';

/**
 * Brings what earlier versions wrote to the form that the schema knows, in place: the list of `training.phases` becomes a map by the
 * names of its items. Configs, overrides, checkpoints and training states all come through here.
 *
 * @throws HydraError VALUE when two phases have one name: composition collects it with its own
 */
export function upgradeForms(root: MapNode): void {
  const training = nodeAt(root, ['training']);
  const phases = nodeAt(root, ['training', 'phases']);
  if (training?.kind === 'map' && phases?.kind === 'list') training.entries.set('phases', mapByName(phases));
}

/**
 * The same for a config that was stored as plain values.
 *
 * @throws CROSSCHECK_CONFIG_VALUE when two phases have one name
 */
export function upgradeStored(stored: unknown): Plain {
  const root = fromPlain(stored);
  if (root.kind === 'map') withOurErrors(() => upgradeForms(root));
  return toPlain(root);
}

/** Where a config chooses no phases, those of the run that is continued can be overridden. */
export function takePhases(root: MapNode, stored: unknown): void {
  const training = nodeAt(root, ['training']);
  const phases = nodeAt(fromPlain(stored ?? {}, 'training.resume'), ['training', 'phases']);
  const own = nodeAt(root, ['training', 'phases']);
  const isFree = own === undefined || isNull(own);
  if (isFree && training?.kind === 'map' && phases?.kind === 'map') training.entries.set('phases', phases);
}

/** Replaces what is there, as the list did. */
function mapByName({ items, origin }: ConfigNode & { kind: 'list' }): MapNode {
  const entries = new Map<string, ConfigNode>();
  for (const [index, item] of items.entries()) {
    const { name, phase } = takeName(item, index);
    if (entries.has(name)) {
      fail('VALUE', `training.phases has two phases of the name ${name} (${item.origin}); rename one`);
    }
    entries.set(name, phase);
  }
  return { kind: 'map', entries, origin, replaces: true };
}

function takeName(item: ConfigNode, index: number): { name: string; phase: MapNode } {
  const name = nodeAt(item, ['name']);
  if (item.kind !== 'map' || name?.kind !== 'scalar' || String(name.value) === '') {
    return fail(
      'TYPE',
      `training.phases is a mapping by name, as in {frozen: {num_epochs: 1}}; item ${index} of this list has no name (${item.origin})`,
    );
  }
  const own = [...item.entries].filter(([key]) => key !== 'name');
  return { name: name.text, phase: { ...item, entries: new Map(own) } };
}
