import path from 'node:path';
import type { CompleteConfig } from '@crosscheck/config';
import type { Model } from '@crosscheck/engine';
import { writeWhole } from '@crosscheck/files';
import { summary } from '@crosscheck/network';
import { trainableIn } from '../loop/blocks.ts';
import type { Phase } from '../loop/phases.ts';
import { guardWriting } from './guard-writing.ts';

export const networkFileName = 'network.txt';

interface Described {
  model: Model;
  config: CompleteConfig;
  phases: readonly Phase[];
  runDir: string;
}

/** Writes `network.txt` into the run folder: the network as a table, and the names of what learns when each phase begins. */
export function writeNetwork({ model, config, phases, runDir }: Described): void {
  const [first] = phases;
  const learning = phases.map(({ name }, i) => {
    const names = trainableIn(model, phases[i] as Phase, 0);
    return [`phase ${name}: ${names.length} of ${model.variables.size} parameter tensors learn`, ...names].join('\n  ');
  });
  const text = [summary(model, first?.freeze, config.data.image_size), ...learning].join('\n\n');
  const file = path.join(runDir, networkFileName);
  guardWriting(file, () => writeWhole(file, `${text}\n`));
}
