import { mkdirSync, writeFileSync } from 'node:fs';
import type { Architecture } from '@crosscheck/contract';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomWeights } from '../../exporter/src/graph/random-weights.ts';
import { tinyArchitecture, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { findChromium, openTab, type Tab } from './chromium.ts';
import { type SpawnedService, spawnService } from './spawned-service.ts';

const chromium = findChromium();
const folder = temporaryFolder();
const architecture: Architecture = { ...tinyArchitecture, missingModality: 'learned' };

// Set this to a folder to look at what the test sees.
const { SCREENSHOTS } = process.env;

describe.skipIf(chromium === null)('the page of a model that does without a picture', () => {
  let service: SpawnedService;
  let tab: Tab;
  beforeAll(async () => {
    for (const name of ['artifact', 'profile']) mkdirSync(`${folder.dir}/${name}`);
    await writeTinyArtifact(`${folder.dir}/artifact`, { architecture, weights: randomWeights(architecture, 7) });
    service = await spawnService(folder.dir, ['serve.artifact=artifact', 'serve.workers=1']);
    tab = await openTab(chromium as string, `${folder.dir}/profile`, service.url.href);
  });
  afterAll(async () => {
    await tab?.close();
    await service?.stop();
    folder.remove();
  });

  test('judges words alone, says so, and shows no picture', async () => {
    const soon = (expression: string, value: unknown) =>
      expect.poll(() => tab.evaluate(expression), { timeout: 30_000 }).toBe(value);
    await soon('document.readyState', 'complete');
    await tab.evaluate("document.getElementById('text').value = 'a flood in the city'");
    await tab.evaluate("document.getElementById('ask').click()");
    await soon("document.getElementById('result').hidden", false);
    expect(await tab.evaluate("document.getElementById('sentence').innerText")).toBe(
      'Judged by the words alone: the post came without a picture.',
    );
    expect(await tab.evaluate("document.getElementById('picture-part').checkVisibility()")).toBe(false);
    expect(await tab.evaluate("document.querySelectorAll('#words mark').length")).toBe(5);
    if (!SCREENSHOTS) return;
    const { data } = await tab.send('Page.captureScreenshot', { captureBeyondViewport: true });
    writeFileSync(`${SCREENSHOTS}/one-part.png`, Buffer.from(data as string, 'base64'));
  }, 120_000);
});
