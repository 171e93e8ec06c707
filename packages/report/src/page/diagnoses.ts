import { adviceOf, type Diagnosis } from '@crosscheck/evaluation';
import { html, type Section } from './html.ts';

/** What is wrong, before any figure that could be taken for a good one. */
export function diagnosisSection(diagnoses: readonly Diagnosis[]): Section {
  const advice = adviceOf(diagnoses);
  return {
    id: 'diagnoses',
    heading: 'Look at this first',
    body: html`${diagnoses.map(({ sentence }) => html`<p class="callout poor">${sentence}</p>\n`)}
${advice.length === 0 ? null : html`<p>What helps:</p><ul>${advice.map((piece) => html`<li>${piece}</li>`)}</ul>`}`,
  };
}
