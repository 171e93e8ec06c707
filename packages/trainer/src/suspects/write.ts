import path from 'node:path';
import type { TrainConfig } from '@crosscheck/config';
import { labelNames } from '@crosscheck/contract';
import { findIdColumn } from '@crosscheck/curation';
import { type ManifestRow, writeManifestFile } from '@crosscheck/data';
import { writeWhole } from '@crosscheck/files';
import { renderSuspects } from './page.ts';
import type { SuspectReport } from './show.ts';

const columns = ['rank', 'file', 'line', 'id', 'text', 'image', 'label', 'suggested_label', 'probability', 'margin'];

/** Writes `suspects.csv` and `suspects.html`. @returns their paths */
export async function writeSuspects(folder: string, report: SuspectReport, config: TrainConfig): Promise<string[]> {
  const [csv, html] = [path.join(folder, 'suspects.csv'), path.join(folder, 'suspects.html')];
  await writeManifestFile(csv, report.learnt.suspects.map(rowOf(report)), columns);
  const page = await renderSuspects(report, config.suspects.shown, new Date().toISOString());
  writeWhole(html, page);
  return [csv, html];
}

const rowOf =
  ({ samples }: SuspectReport) =>
  (
    { row, label, suggested, probability, margin }: SuspectReport['learnt']['suspects'][number],
    i: number,
  ): ManifestRow => {
    const { file, line, text, imagePath, row: cells } = samples[row] as (typeof samples)[number];
    return {
      rank: i + 1,
      file,
      line,
      id: cells[findIdColumn(Object.keys(cells)) ?? ''] ?? '',
      text,
      image: imagePath,
      label: labelNames[label],
      suggested_label: labelNames[suggested],
      probability: Number(probability.toFixed(6)),
      margin: Number(margin.toFixed(6)),
    };
  };
