import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describeExplanation } from './describe.ts';
import type { Explanation } from './explanation.ts';
import { renderOverlay } from './overlay.ts';
import { explanationToJson } from './to-json.ts';

/** Writes `explanation.png` and `explanation.json` into a folder, and says in a few lines what they hold. */
export async function reportExplanation(explanation: Explanation, image: string, dir: string): Promise<string[]> {
  const files = { overlay: path.join(dir, 'explanation.png'), json: path.join(dir, 'explanation.json') };
  await mkdir(dir, { recursive: true });
  await writeFile(files.json, `${JSON.stringify(explanationToJson(explanation), null, 2)}\n`);
  await writeFile(files.overlay, await renderOverlay(image, explanation.heatMap));
  return [...describeExplanation(explanation), `Heat map: ${files.overlay}`, `All numbers: ${files.json}`];
}
