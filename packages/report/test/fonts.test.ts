import { mkdirSync, writeFileSync } from 'node:fs';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { renderConfusionMatrix } from '../src/index.ts';
import { outlineText } from '../src/text-outlines.ts';

const label = (text: string, attributes = '') =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40"><text text-anchor="middle" transform="translate(100,25)" font-family="Inter" font-size="18px" fill="#000"${attributes}>${text}</text></svg>`;

async function inkColumns(svg: string): Promise<[number, number]> {
  const { data, info } = await sharp(Buffer.from(svg))
    .flatten({ background: '#fff' })
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const dark = Array.from(data.keys())
    .filter((i) => (data[i] as number) < 128)
    .map((i) => i % info.width);
  return [Math.min(...dark), Math.max(...dark)];
}

test('a machine without fonts draws the same picture', async () => {
  const { dir, remove } = temporaryFolder();
  try {
    mkdirSync(`${dir}/fonts`);
    writeFileSync(
      `${dir}/fonts.conf`,
      `<?xml version="1.0"?><fontconfig><dir>${dir}/fonts</dir><cachedir>${dir}/cache</cachedir></fontconfig>`,
    );
    const env = { FONTCONFIG_FILE: `${dir}/fonts.conf`, FONTCONFIG_PATH: dir };
    const { code, stdout, stderr } = await runEntry('packages/report/test/draw-confusion-matrix.ts', [], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const here = await renderConfusionMatrix({ tn: 5, fp: 1, fn: 2, tp: 4 });
    expect(Buffer.from(stdout, 'base64').equals(here)).toBe(true);
  } finally {
    remove();
  }
});

test('outlines are centred, left- or right-aligned as the text was', async () => {
  const [left, right] = await inkColumns(await outlineText(label('80,888 €')));
  expect(Math.abs((left + right) / 2 - 100)).toBeLessThan(2);
  const [start] = await inkColumns(await outlineText(label('H').replace('middle', 'start')));
  expect(start).toBeGreaterThanOrEqual(100);
  const [, end] = await inkColumns(await outlineText(label('H').replace('middle', 'end')));
  expect(end).toBeLessThanOrEqual(100);
});

test('bold text is wider, escaped characters are one letter each, and no text element is left', async () => {
  const widthOf = async (svg: string) => {
    const [left, right] = await inkColumns(await outlineText(svg));
    return right - left;
  };
  expect(await widthOf(label('Accuracy', ' font-weight="600"'))).toBeGreaterThan(await widthOf(label('Accuracy')));
  expect(await widthOf(label('a&amp;b'))).toBeLessThan(await widthOf(label('aMMMMb')));
  expect(await outlineText(label('x'))).not.toMatch(/<text|font-/);
});

test('Greek, Cyrillic and accents have letters, and other scripts a box', async () => {
  const pathOf = async (text: string) => /d="([^"]*)"/.exec(await outlineText(label(text)))?.[1];
  const box = await pathOf('事');
  for (const letter of ['é', 'ő', 'λ', 'ж']) expect(await pathOf(letter)).not.toBe(box);
  expect(box?.length).toBeGreaterThan(10);
});

test('neighbouring coordinates never run into one number', async () => {
  const svg = await outlineText(label('8888', ' '));
  for (const [, path] of svg.matchAll(/ d="([^"]*)"/g))
    expect(path).toMatch(/^(?:[MLQCZ](?:-?\d+\.\d\d(?: |(?=[MLQCZ]|$)))*)+$/);
});
