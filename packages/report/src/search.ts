import { figures, wideFigure } from './page/figures.ts';
import { html, type Section, table } from './page/html.ts';
import { formatCount } from './page/numbers.ts';
import { renderPage } from './page/page.ts';
import { factSection } from './page/settings.ts';
import { frontPlot, historyPlot, importancePlots, parallelPlot } from './plots/search.ts';
import type { SearchData, SearchedTrial } from './search-data.ts';

const shown = (value: number | undefined) => (value === undefined ? 'n/a' : String(Number(value.toPrecision(5))));

/** The page of a search: its best trial, how it got there, what mattered, and every trial. It needs nothing else and runs no script. */
export async function renderSearch(data: SearchData): Promise<string> {
  const metrics = data.objectives.map(({ metric, direction }) => `${direction} ${metric}`).join(', ');
  return renderPage({
    kind: 'Search for hyper-parameters',
    title: data.study,
    subtitle: metrics,
    createdAt: data.createdAt,
    sections: [await resultSection(data), ...(await parameterSections(data)), trialSection(data), studySection(data)],
    footer: `Study ${data.study} in ${data.storage}`,
  });
}

async function resultSection(data: SearchData): Promise<Section> {
  const best = data.trials.find(({ number }) => number === data.best[0]);
  const count = (state: SearchedTrial['state']) => data.trials.filter((trial) => trial.state === state).length;
  const cards: [label: string, value: string][] = [
    ...data.objectives.map(({ metric }, i): [string, string] => [`best ${metric}`, shown(best?.values?.[i])]),
    ['trials finished', formatCount(count('complete'))],
    ['pruned', formatCount(count('pruned'))],
    ['failed', formatCount(count('fail'))],
  ];
  return {
    id: 'result',
    heading: best === undefined ? 'No trial has reached its end' : `Trial ${best.number} is the best`,
    body: html`<ul class="cards">${cards.map(([label, value]) => html`<li class="card"><span class="label">${label}</span><span class="value">${value}</span></li>`)}</ul>
${best === undefined ? null : parameterTable(best, data)}`,
  };
}

function parameterTable({ number, texts }: SearchedTrial, { params }: SearchData) {
  return table(
    `What trial ${number} was trained with`,
    [
      { heading: 'parameter', cell: ({ name }: SearchData['params'][number]) => html`<code>${name}</code>` },
      { heading: 'value', cell: ({ name }) => html`<code>${texts[name] ?? 'n/a'}</code>` },
      { heading: 'searched', cell: (param) => rangeOf(param) },
    ],
    params,
  );
}

function rangeOf(param: SearchData['params'][number]): string {
  if ('choices' in param) return param.choices.join(', ');
  return `${shown(param.low)} to ${shown(param.high)}${param.log ? ', by logarithm' : ''}`;
}

async function parameterSections(data: SearchData): Promise<Section[]> {
  const parallel = parallelPlot(data);
  const plots = [historyPlot(data), frontPlot(data), ...importancePlots(data)];
  const { importancesMissing: why } = data;
  const body = html`${await figures(plots, 'large')}
${why === null ? null : html`<p>There are no importances: ${why}.</p>`}
${parallel === null ? null : await wideFigure(parallel)}
<p>Importances are PED-ANOVA’s, on the best tenth of the finished trials against all: what a few trials say of many parameters is little. A line over the
parameters is a trial; pruned and failed ones are in the table only.</p>`;
  return [{ id: 'parameters', heading: 'How it went, and what mattered', body }];
}

function trialSection({ trials, objectives, params }: SearchData): Section {
  return {
    id: 'trials',
    heading: `All ${formatCount(trials.length)} trials, best first`,
    body: table(
      'A pruned trial shows what it had reached',
      [
        { heading: 'trial', isNumber: true, cell: ({ number }: SearchedTrial) => number },
        {
          heading: 'state',
          cell: ({ state, note }) => (note === null ? state : html`${state}<br><small>${note}</small>`),
        },
        ...objectives.map(({ metric }, i) => ({
          heading: metric,
          isNumber: true,
          cell: ({ values }: SearchedTrial) => shown(values?.[i]),
        })),
        { heading: 'epochs', isNumber: true, cell: ({ epochs }) => epochs.length },
        { heading: 'seconds', isNumber: true, cell: ({ seconds }) => (seconds === null ? 'n/a' : seconds.toFixed(0)) },
        ...params.map(({ name, short }) => ({
          heading: short,
          isNumber: true,
          cell: ({ texts }: SearchedTrial) => texts[name] ?? 'n/a',
        })),
      ],
      trials,
    ),
  };
}

const studySection = ({ facts, storage }: SearchData): Section =>
  factSection(
    { storage, ...facts },
    { id: 'study', heading: 'The study', caption: `optuna-dashboard ${storage} opens it` },
  );
