import type { Plot, PlotSpec } from '../plot.ts';
import type { SearchData, SearchedParameter, SearchedTrial } from '../search-data.ts';
import type { Theme } from '../theme.ts';

const finished = ({ trials }: SearchData) =>
  trials
    .filter(({ state, values }) => state === 'complete' && values !== null)
    .toSorted((a, b) => a.number - b.number) as (SearchedTrial & { values: number[] })[];

const brief = (value: number) => String(Number(value.toPrecision(3)));

/** Trials in the order in which they were asked for, with the best value so far. Null for several objectives, which have none. */
export function historyPlot(data: SearchData): Plot | null {
  const [objective, ...others] = data.objectives;
  const trials = finished(data);
  if (objective === undefined || others.length > 0 || trials.length === 0) return null;
  const better = objective.direction === 'minimize' ? Math.min : Math.max;
  let best = trials[0]?.values[0] as number;
  const points = trials.map(({ number, values: [value] }) => {
    best = better(best, value as number);
    return { trial: number, value, best };
  });
  return {
    title: `${objective.metric} by trial`,
    alt: `${objective.metric} of ${trials.length} trials; the best is ${brief(best)}.`,
    spec: (theme) => ({ width: 400, height: 240, ...historySpec(points, objective.metric, theme) }),
  };
}

function historySpec(values: object[], metric: string, theme: Theme): PlotSpec {
  const x = {
    field: 'trial',
    type: 'quantitative',
    title: 'trial',
    axis: { grid: false, tickMinStep: 1, format: 'd' },
  };
  const y = (field: string) => ({ field, type: 'quantitative', title: metric, scale: { zero: false, padding: 10 } });
  return {
    data: { values },
    layer: [
      {
        mark: { type: 'line', interpolate: 'step-after', color: theme.accent, strokeWidth: 2 },
        encoding: { x, y: y('best') },
      },
      {
        mark: { type: 'point', size: 36, filled: true, color: theme.quiet, opacity: 0.9 },
        encoding: { x, y: y('value') },
      },
    ],
  };
}

/** Every finished trial by its two first objectives, those that none beats in colour. Null for a single objective. */
export function frontPlot(data: SearchData): Plot | null {
  const [first, second] = data.objectives;
  const trials = finished(data);
  if (first === undefined || second === undefined || trials.length === 0) return null;
  const values = trials.map(({ number, values: [x, y] }) => ({
    x,
    y,
    kind: data.best.includes(number) ? 'not beaten' : 'beaten',
  }));
  const axis = (field: 'x' | 'y', title: string) => ({
    field,
    type: 'quantitative',
    title,
    scale: { zero: false, padding: 10 },
  });
  return {
    title: `${second.metric} against ${first.metric}`,
    alt: `${data.best.length} of ${trials.length} trials are not beaten in every objective.`,
    spec: (theme) => ({
      width: 400,
      height: 240,
      data: { values },
      mark: { type: 'point', size: 60, filled: true, opacity: 0.9 },
      encoding: {
        x: axis('x', first.metric),
        y: axis('y', second.metric),
        color: {
          field: 'kind',
          type: 'nominal',
          scale: { domain: ['not beaten', 'beaten'], range: [theme.accent, theme.quiet] },
        },
      },
    }),
  };
}

/** What each parameter explains of an objective, the most first. */
export function importancePlots({ importances, objectives, params }: SearchData): Plot[] {
  const short = new Map(params.map(({ name, short: text }) => [name, text]));
  return importances.map((shares, i) => {
    const values = Object.entries(shares)
      .map(([name, share]) => ({ name: short.get(name) ?? name, share, text: `${(100 * share).toFixed(0)} %` }))
      .toSorted((a, b) => b.share - a.share);
    const metric = objectives[i]?.metric ?? '';
    return {
      title: `What ${metric} depends on`,
      alt: `Importance for ${metric}: ${values.map(({ name, text }) => `${name} ${text}`).join(', ')}.`,
      spec: (theme) => ({ width: 400, height: 240, ...importanceSpec(values, theme) }),
    };
  });
}

function importanceSpec(values: object[], theme: Theme): PlotSpec {
  const y = {
    field: 'name',
    type: 'nominal',
    title: null,
    sort: null,
    axis: { domain: false, ticks: false, labelLimit: 170 },
  };
  const x = { field: 'share', type: 'quantitative', title: null, axis: null, scale: { domain: [0, 1] } };
  return {
    data: { values },
    encoding: { x, y },
    layer: [
      { mark: { type: 'bar', color: theme.accent, height: { band: 0.55 }, cornerRadius: 2 } },
      { mark: { type: 'text', align: 'left', dx: 5, color: theme.muted }, encoding: { text: { field: 'text' } } },
    ],
  };
}

/** An axis of the parallel plot: where a value stands on it, from 0 to 1, and what is written beside it. */
interface Scale {
  title: string;
  place(trial: SearchedTrial): number | undefined;
  ticks: { at: number; text: string }[];
}

function parameterScale(param: SearchedParameter): Scale {
  const { name, short: title } = param;
  if ('choices' in param) {
    const count = param.choices.length;
    const at = (index: number) => (count === 1 ? 0.5 : index / (count - 1));
    const ticks = param.choices.map((text, index) => ({ at: at(index), text }));
    return { title, ticks, place: ({ params }) => (params[name] === undefined ? undefined : at(params[name])) };
  }
  return numberScale({ title, ...param }, ({ params }) => params[name]);
}

interface Range {
  title: string;
  low: number;
  high: number;
  log: boolean;
}

function numberScale({ title, low, high, log }: Range, valueOf: (trial: SearchedTrial) => number | undefined): Scale {
  const warp = log ? Math.log : (value: number) => value;
  const at = (value: number) => (high === low ? 0.5 : (warp(value) - warp(low)) / (warp(high) - warp(low)));
  const middle = log ? Math.sqrt(low * high) : (low + high) / 2;
  const ends = low === high ? [low] : [low, middle, high];
  const place = (trial: SearchedTrial) => {
    const value = valueOf(trial);
    return value === undefined ? undefined : at(value);
  };
  return { title, place, ticks: ends.map((value) => ({ at: at(value), text: brief(value) })) };
}

/** As wide as a page; with more axes than have room for their names the page scrolls. */
const [pageWidth, narrowestAxis] = [960, 130];

/** Trials as lines over the parameters and the objectives; the best tenth stands out, and the best of all. */
export function parallelPlot(data: SearchData): Plot | null {
  const trials = finished(data);
  if (trials.length < 2 || data.params.length === 0) return null;
  const scales = [
    ...data.objectives.map(({ metric }, i) => {
      const values = trials.map((trial) => trial.values[i] as number);
      const range = { title: metric, low: Math.min(...values), high: Math.max(...values), log: false };
      return numberScale(range, (trial) => trial.values?.[i]);
    }),
    ...data.params.map(parameterScale),
  ];
  const ranked = data.trials.filter(({ state }) => state === 'complete');
  const standing = (trial: SearchedTrial) => {
    if (data.best.includes(trial.number)) return 'best';
    return ranked.indexOf(trial) < Math.max(1, ranked.length / 10) ? 'best tenth' : 'others';
  };
  return {
    title: 'Trials over all parameters',
    alt: `${trials.length} trials as lines over ${scales.map(({ title }) => title).join(', ')}.`,
    spec: (theme) => ({
      width: Math.max(pageWidth, narrowestAxis * (scales.length - 1)),
      height: 300,
      ...parallelSpec(ranked, scales, standing, theme),
    }),
  };
}

const standings = ['others', 'best tenth', 'best'];

function parallelSpec(
  trials: readonly SearchedTrial[],
  scales: readonly Scale[],
  standing: (trial: SearchedTrial) => string,
  theme: Theme,
): PlotSpec {
  const lines = trials
    .flatMap((trial) =>
      scales.flatMap((scale, x) => {
        const y = scale.place(trial);
        return y === undefined ? [] : [{ x, y, trial: trial.number, standing: standing(trial) }];
      }),
    )
    // What is drawn last lies on top.
    .toSorted((a, b) => standings.indexOf(a.standing) - standings.indexOf(b.standing));
  const x = { field: 'x', type: 'quantitative', axis: null, scale: { domain: [0, scales.length - 1], nice: false } };
  const y = { field: 'y', type: 'quantitative', axis: null, scale: { domain: [0, 1], nice: false } };
  const layers = standings.map((name) => ({
    data: { values: lines.filter((line) => line.standing === name) },
    mark: {
      type: 'line',
      strokeWidth: name === 'others' ? 1 : name === 'best' ? 3 : 1.5,
      opacity: name === 'others' ? 0.35 : 1,
      strokeJoin: 'round',
    },
    encoding: {
      x,
      y,
      detail: { field: 'trial' },
      color: {
        field: 'standing',
        type: 'nominal',
        scale: { domain: standings, range: [theme.quiet, theme.accent, theme.fake] },
        legend: { offset: 26 },
      },
    },
  }));
  const ticks = scales.flatMap((scale, at) => scale.ticks.map((tick) => ({ x: at, y: tick.at, text: tick.text })));
  return {
    padding: { left: 8, right: 60, top: 4, bottom: 8 },
    layer: [
      {
        data: { values: scales.map((_, at) => ({ x: at })) },
        mark: { type: 'rule', color: theme.axis },
        encoding: { x },
      },
      ...layers,
      ...[{ stroke: theme.paper, strokeWidth: 4, strokeJoin: 'round' }, {}].map((halo) => ({
        data: { values: ticks },
        mark: { type: 'text', align: 'left', dx: 5, fontSize: 10, color: theme.muted, ...halo },
        encoding: { x, y, text: { field: 'text' } },
      })),
      {
        data: { values: scales.map(({ title }, at) => ({ x: at, title })) },
        mark: { type: 'text', align: 'left', baseline: 'bottom', dy: -10, fontSize: 11, fontWeight: 600, limit: 122 },
        encoding: { x, y: { value: 0 }, text: { field: 'title' } },
      },
    ],
  };
}
