// Makes the process ready for tfjs-node-gpu; tfjs.ts evaluates this before it loads that package.
import { existsSync } from 'node:fs';
import { CrosscheckError } from '@crosscheck/contract';
import { chooseFlavor, describeMachine, type Flavor, runtimeLayout } from './setup/platform.ts';
import { prepareTfjsNode } from './tfjs-node.ts';

/** The installed flavor to open: the one asked for, or for `auto` the best one and then whatever is there. */
function findInstalled(wanted: string): Flavor {
  const best = chooseFlavor(wanted, describeMachine());
  const candidates: Flavor[] = wanted === 'auto' ? [best, 'cpu', 'cuda'] : [best];
  const found = candidates.find((flavor) => existsSync(runtimeLayout(flavor).manifest));
  if (found) return found;
  throw new CrosscheckError(
    'CROSSCHECK_TENSORFLOW_NOT_INSTALLED',
    `libtensorflow (${best}) is not installed: looked in ${runtimeLayout(best).root}; ` +
      `run "pnpm tensorflow:setup${wanted === 'auto' ? '' : ` --flavor ${best}`}"`,
  );
}

/** Flavor that this process runs on. */
export const openedFlavor: Flavor = findInstalled(process.env['CROSSCHECK_TENSORFLOW_FLAVOR'] ?? 'auto');

prepareTfjsNode(runtimeLayout(openedFlavor).addon);
