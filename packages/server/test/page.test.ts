import { mkdirSync, writeFileSync } from 'node:fs';
import { temporaryFolder } from '@crosscheck/testkit';
import axe from 'axe-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePng, writeTinyArtifact } from '../../exporter/test/tiny-artifact.ts';
import { findChromium, openTab, type Tab } from './chromium.ts';
import { type SpawnedService, spawnService } from './spawned-service.ts';

const chromium = findChromium();
const folder = temporaryFolder();

// Set this to a folder to look at what the tests see.
const { SCREENSHOTS } = process.env;

describe.skipIf(chromium === null)('the page in Chromium (skipped where there is none; CHROMIUM_BIN names one)', () => {
  let service: SpawnedService;
  let tab: Tab;
  beforeAll(async () => {
    mkdirSync(`${folder.dir}/artifact`);
    mkdirSync(`${folder.dir}/profile`);
    await writeTinyArtifact(`${folder.dir}/artifact`);
    writeFileSync(
      `${folder.dir}/flood.png`,
      encodePng(60, 45, (x, y) => [4 * x, 5 * y, 90]),
    );
    service = await spawnService(folder.dir, ['serve.artifact=artifact', 'serve.workers=1']);
    tab = await openTab(chromium as string, `${folder.dir}/profile`, service.url.href);
  });
  afterAll(async () => {
    await tab?.close();
    await service?.stop();
    folder.remove();
  });

  const soon = (expression: string, value: unknown) =>
    expect.poll(() => tab.evaluate(expression), { timeout: 30_000 }).toBe(value);
  const textOf = (selector: string) => tab.evaluate<string>(`document.querySelector('${selector}').innerText`);
  const isShown = (selector: string) => `document.querySelector('${selector}').checkVisibility()`;

  async function press(key: string): Promise<void> {
    const [code, text] = key === 'Enter' ? [13, '\r'] : [9, undefined];
    const options = { key, code: key, windowsVirtualKeyCode: code, ...(text && { text }) };
    await tab.send('Input.dispatchKeyEvent', { type: 'keyDown', ...options });
    await tab.send('Input.dispatchKeyEvent', { type: 'keyUp', ...options });
  }

  async function look(width: number, scheme: 'light' | 'dark', name: string): Promise<void> {
    await tab.send('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false });
    await tab.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    if (!SCREENSHOTS) return;
    const { data } = await tab.send('Page.captureScreenshot', { captureBeyondViewport: true });
    writeFileSync(`${SCREENSHOTS}/${name}-${width}-${scheme}.png`, Buffer.from(data as string, 'base64'));
  }

  /** Labels, roles, names, headings, contrast: https://github.com/dequelabs/axe-core */
  async function findBarriers(): Promise<string[]> {
    await tab.evaluate(axe.source);
    const { violations } = await tab.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
      'axe.run().then(({ violations }) => ({ violations }))',
    );
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
  }

  const views = [1280, 390].flatMap((width) => (['light', 'dark'] as const).map((scheme) => [width, scheme] as const));

  test('asks for a picture when there is none, and moves there', async () => {
    await soon('document.readyState', 'complete');
    await tab.evaluate("document.getElementById('ask').click()");
    expect(await textOf('#status')).toBe('Choose a picture first.');
    expect(await tab.evaluate('document.activeElement.id')).toBe('image');
  });

  test('a real upload gets its verdict, shares, heat map and words', async () => {
    const { root } = await tab.send('DOM.getDocument');
    const { nodeId } = await tab.send('DOM.querySelector', {
      nodeId: (root as { nodeId: number }).nodeId,
      selector: '#image',
    });
    await tab.send('DOM.setFileInputFiles', { nodeId, files: [`${folder.dir}/flood.png`] });
    expect(await textOf('#hint')).toBe('flood.png');
    await tab.evaluate("document.getElementById('text').focus()");
    await tab.send('Input.insertText', { text: 'a flood covers the <b>street</b>' });
    await press('Tab');
    expect(await tab.evaluate('document.activeElement.id')).toBe('ask');
    await press('Enter');
    await soon(isShown('#result'), true);
    expect(await textOf('#verdict')).toMatch(/^(REAL|FAKE)\s+with (over )?\d+\s%\sconfidence$/);
    expect(await tab.evaluate('document.activeElement.id')).toBe('verdict');
    expect(await tab.evaluate("document.getElementById('meter').ariaLabel")).toMatch(/^Probability of FAKE: \d+\s%$/);
    expect(await textOf('#bars')).toMatch(/Picture\s+\d+\s%, for (REAL|FAKE)\s+Words\s+\d+\s%, for (REAL|FAKE)/);
    expect(await textOf('#words')).toBe('a flood covers the <b>street</b>');
    expect(await tab.evaluate("document.querySelectorAll('#words mark').length")).toBeGreaterThan(3);
    const painted =
      "document.getElementById('heat').getContext('2d').getImageData(0, 0, 7, 7).data.some((value) => value > 0)";
    expect(await tab.evaluate(painted)).toBe(true);
    expect(await textOf('#picture-caption')).toMatch(/^Strongest: (top|middle|bottom) (left|centre|right), for/);
    await tab.evaluate("document.getElementById('show-heat').click()");
    expect(await tab.evaluate(isShown('#heat'))).toBe(false);
    await tab.evaluate("document.getElementById('show-heat').click()");
  });

  test('an example is a click', async () => {
    await tab.evaluate("document.querySelectorAll('[data-picture]')[1].click()");
    await soon("document.getElementById('words').innerText", 'A wildfire burns above Port Alder on Friday');
    expect(await tab.evaluate("document.getElementById('image').files[0].name")).toBe('snowstorm.jpg');
    expect(await textOf('#status')).toBe('');
  });

  test('a refusal says why in words, and keeps what was typed', async () => {
    writeFileSync(`${folder.dir}/notes.png`, 'these are notes');
    const { root } = await tab.send('DOM.getDocument');
    const { nodeId } = await tab.send('DOM.querySelector', {
      nodeId: (root as { nodeId: number }).nodeId,
      selector: '#image',
    });
    await tab.send('DOM.setFileInputFiles', { nodeId, files: [`${folder.dir}/notes.png`] });
    await tab.evaluate("document.getElementById('ask').click()");
    await soon("document.getElementById('status').className", 'bad');
    expect(await textOf('#status')).toContain('GIF, AVIF, HEIC, BMP or TIFF by its first bytes, got plain text');
    expect(await tab.evaluate("document.getElementById('text').value")).toContain('wildfire');
  });

  test.each(views)('at %i pixels and in %s colours nothing is in the way of anybody', async (width, scheme) => {
    await tab.evaluate("document.querySelectorAll('[data-picture]')[0].click()");
    await soon("document.getElementById('form').ariaBusy", 'false');
    await soon("document.getElementById('status').innerText", '');
    await look(width, scheme, 'answered');
    expect(await findBarriers()).toEqual([]);
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await tab.send('Page.reload');
    await soon("document.readyState === 'complete' && document.getElementById('result').hidden", true);
    await look(width, scheme, 'empty');
    expect(await findBarriers()).toEqual([]);
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
  });

  test('nothing was asked of another host, and the browser had nothing to complain of', () => {
    const hosts = new Set(tab.requested.map((url) => new URL(url).origin));
    hosts.delete('null'); // blobs of the page
    expect([...hosts]).toEqual([service.url.origin]);
    const refused = tab.complaints.filter((line) => line.includes('415'));
    expect(tab.complaints.filter((line) => !line.includes('415'))).toEqual([]);
    expect(refused).toHaveLength(1); // the notes, on purpose
  });
});
