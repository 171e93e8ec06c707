import path from 'node:path';
import type { AbstainBand } from '@crosscheck/contract';
import { writeWhole } from '@crosscheck/files';
import { describeExplanation } from './describe.ts';
import type { Explanation } from './explanation.ts';
import { renderOverlay } from './overlay.ts';
import { explanationToJson } from './to-json.ts';

/** Writes `explanation.json`, and `explanation.png` where there is a picture, into a folder, and says in a few lines what they hold. */
export async function reportExplanation(
  explanation: Explanation,
  { image, dir, band }: { image: string | null; dir: string; band: AbstainBand | null },
): Promise<string[]> {
  const files = { overlay: path.join(dir, 'explanation.png'), json: path.join(dir, 'explanation.json') };
  writeWhole(files.json, `${JSON.stringify(explanationToJson(explanation, band), null, 2)}\n`);
  const heatMap = image === null ? [] : [`Heat map: ${files.overlay}`];
  if (image !== null) writeWhole(files.overlay, await renderOverlay(image, explanation.heatMap));
  return [...describeExplanation(explanation), ...heatMap, `All numbers: ${files.json}`];
}
