import type { Architecture } from '@crosscheck/contract';
import { type Freeze, nothingFrozen } from './freeze.ts';
import type { Parameter, Shape } from './graph/tensors.ts';
import { valuesOf } from './graph/value.ts';
import { wholeNetwork } from './network.ts';
import { countParameters, parameterNames, totalParameters } from './parameters.ts';

/** One row of a network's summary. */
export interface SummaryRow {
  /** Name of the PyTorch module. */
  name: string;
  /** B samples, L tokens. */
  outputShape: Shape;
  parameters: number;
}

/** A block stands with the others of its stage, whose shape is that of the last one. */
const rowOf = (module: string) => module.replace(/(\.features\.\d+)\.\d+$/, '$1');

/** The network as a table, one row per stage or layer, without building it. */
export function summarise(architecture: Architecture, imageSize = 224): SummaryRow[] {
  const tensors = parameterNames(architecture);
  const under = (name: string) => tensors.filter((tensor) => `${tensor.name}.`.startsWith(`${name}.`));
  const named = valuesOf(wholeNetwork(architecture, { imageSize })).flatMap(({ stage, shape }) =>
    stage === null ? [] : [[rowOf(stage), shape] as const],
  );
  const place = ({ name }: SummaryRow) => tensors.indexOf(under(name)[0] as Parameter);
  return Array.from(new Map(named), ([name, outputShape]): SummaryRow => {
    return { name, outputShape, parameters: totalParameters(under(name)) };
  }).toSorted((a, b) => place(a) - place(b));
}

/** The summary as text: name, output shape, parameters, and what learns. */
export function summary(
  network: { architecture: Architecture },
  freeze: Freeze = nothingFrozen,
  imageSize = 224,
): string {
  const count = (n: number) => n.toLocaleString('en-US');
  const rows = summarise(network.architecture, imageSize).map(({ name, outputShape, parameters }) => [
    name,
    `[${outputShape.join(', ')}]`,
    count(parameters),
  ]);
  const table = [['module', 'output', 'parameters'], ...rows] as [string, string, string][];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  const lines = table.map(([name, shape, parameters]) =>
    [name.padEnd(widths[0] ?? 0), shape.padEnd(widths[1] ?? 0), parameters.padStart(widths[2] ?? 0)].join('  '),
  );
  const { total, trainable } = countParameters(network, freeze);
  return [...lines, `${count(total)} parameters, ${count(trainable)} trainable`].join('\n');
}
