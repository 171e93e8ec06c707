import type { TrainConfig } from '@crosscheck/config';
import { CrosscheckError } from '@crosscheck/contract';
import type { Manifest } from '@crosscheck/data';

type Posts = Pick<Manifest, 'samples'>;

/** Why posts of one label are of no use, by what they are for. */
const reasons: Readonly<Record<string, string>> = {
  train: 'a model learns nothing from one label, and is then always right',
  calibration: 'neither a temperature nor a threshold can be fitted on one label',
};
const judged = 'accuracy on one label says nothing of the other';

/**
 * Stops a command whose posts all have one label: it would end well, and mean nothing.
 *
 * @throws CROSSCHECK_DATA_ONE_CLASS with `data.on_one_class=error`
 */
export function checkClasses(
  splits: Readonly<Record<string, Posts>>,
  { data }: TrainConfig,
  say: (line: string) => void,
) {
  const faults = Object.entries(splits).flatMap(([split, { samples }]) => describeFault(split, samples));
  if (faults.length === 0) return;
  const message = `expected posts of both labels, got ${faults.join('; ')}`;
  if (data.on_one_class === 'error') throw oneClass(message, data);
  say(`warning: ${message}`);
}

function describeFault(split: string, samples: Posts['samples']): string[] {
  const fake = samples.filter(({ label }) => label === 1).length;
  const real = samples.filter(({ label }) => label === 0).length;
  if (fake > 0 && real > 0) return [];
  return [`${real} REAL and ${fake} FAKE in ${split} (${samples[0]?.file}): ${reasons[split] ?? judged}`];
}

function oneClass(message: string, { n_rows, label_column }: TrainConfig['data']): CrosscheckError {
  const head = n_rows < 0 ? '' : `if the file is sorted by label, data.n_rows=${n_rows} cuts one off: data.n_rows=-1; `;
  const remedies = `${head}look at the column data.label_column=${label_column}, divide the posts with pnpm data:split, `;
  return new CrosscheckError(
    'CROSSCHECK_DATA_ONE_CLASS',
    `${message}. ${remedies[0]?.toUpperCase()}${remedies.slice(1)}or go on all the same with data.on_one_class=warn`,
  );
}
