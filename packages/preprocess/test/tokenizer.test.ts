import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { defaultPreprocessing as p } from '@crosscheck/contract';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildBertTokenizerJson, createTokenizer, loadTokenizer } from '../src/index.ts';

const vocab = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[MASK]',
  'news',
  'fake',
  '##s',
  'New',
  'NEWS',
  '[',
  'empty',
  ']',
  'é',
  'e',
];
const [CLS, SEP, UNK] = [2, 3, 1];

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

function write(name: string, text: string): string {
  const file = path.join(folder.dir, name);
  writeFileSync(file, text);
  return file;
}

describe('createTokenizer', () => {
  const tokenizer = createTokenizer(buildBertTokenizerJson(vocab), p);

  it('gives [CLS], the pieces and [SEP]', () => {
    expect([...tokenizer.encode('Fake news')]).toEqual([CLS, 6, 5, SEP]);
    expect([...tokenizer.encode('fakes unknown')]).toEqual([CLS, 6, 7, UNK, SEP]);
  });

  it('encodes the placeholder for a blank text', () => {
    const placeholder = [CLS, 10, 11, 12, SEP];
    for (const text of ['', ' ', '\n\t', '\u3000\u00a0']) expect([...tokenizer.encode(text)]).toEqual(placeholder);
  });

  it('takes lone surrogates and NUL characters', () => {
    expect([...tokenizer.encode('news\ud800 \0fake\udc00')]).toEqual([CLS, 5, 6, SEP]);
  });

  it('cuts to maxTokens and keeps [SEP]', () => {
    const short = createTokenizer(buildBertTokenizerJson(vocab), { ...p, maxTokens: 5 });
    expect([...short.encode('news fakes news fake')]).toEqual([CLS, 5, 6, 7, SEP]);
  });

  it('takes as long for a text of 10 million characters as for its first words', () => {
    const texts = ['fakes news ', 'x', 'éè ', '北', '[SEP]', '.'].map((unit) => unit.repeat(10_000_000 / unit.length));
    for (const text of [...texts.map((t) => t.slice(0, 10_000)), texts[0] as string]) {
      const efforts = Array.from({ length: 4 }, () => {
        const before = process.cpuUsage();
        tokenizer.encode(text);
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1000;
      });
      // Of this process alone, whatever else the machine does; the whole text takes seconds.
      expect(Math.min(...efforts)).toBeLessThan(150);
    }
  });

  it('names the pad id and the number of ids', () => {
    expect(tokenizer).toMatchObject({ padId: 0, vocabSize: vocab.length });
  });

  it('reproduces itself from its own json', () => {
    expect([...createTokenizer(tokenizer.json, p).encode('Fakes, news')]).toEqual([...tokenizer.encode('Fakes, news')]);
  });

  it('refuses what is not a tokenizer.json', () => {
    const invalid = expect.objectContaining({ code: 'CROSSCHECK_TOKENIZER_INVALID' });
    for (const json of ['{', '{}', 'null', '{"model":{"vocab":{"a":0},"type":"Nonsense"}}']) {
      expect(() => createTokenizer(json, p)).toThrow(invalid);
    }
    const withoutUnknown = {
      ...JSON.parse(tokenizer.json),
      model: { ...JSON.parse(tokenizer.json).model, unk_token: '<unk>' },
    };
    expect(() => createTokenizer(JSON.stringify(withoutUnknown), p)).toThrow(/"<unk>" \(its "unk_token"\)/);
    expect(() => buildBertTokenizerJson(['[PAD]', '[CLS]', '[SEP]'])).toThrow(invalid);
  });
});

describe('loadTokenizer', () => {
  it('reads tokenizer.json, vocab.txt, a folder with either, and json text', async () => {
    const json = buildBertTokenizerJson(vocab);
    const vocabFile = write('vocab.txt', `${vocab.join('\r\n')}\r\n`);
    const fromFolder = await loadTokenizer(folder.dir, p);
    const jsonFile = write('tokenizer.json', json);
    const others = [vocabFile, jsonFile, folder.dir, json].map((source) => loadTokenizer(source, p));
    for (const tokenizer of [fromFolder, ...(await Promise.all(others))]) {
      expect([...tokenizer.encode('FAKE News')]).toEqual([CLS, 6, 5, SEP]);
      expect(tokenizer.vocabSize).toBe(vocab.length);
    }
  });

  it('honours do_lower_case in tokenizer_config.json for vocab.txt', async () => {
    write('vocab.txt', `${vocab.join('\n')}\n`);
    write('tokenizer_config.json', '{"do_lower_case": false}');
    expect([...(await loadTokenizer(folder.dir, p)).encode('News NEWS')]).toEqual([CLS, 8, 7, 9, SEP]);
  });

  it('lets tokenizer_config.json of a BERT class win over tokenizer.json, as AutoTokenizer does', async () => {
    write('tokenizer.json', buildBertTokenizerJson(vocab));
    write('tokenizer_config.json', '{"tokenizer_class": "DistilBertTokenizer", "do_lower_case": false}');
    const cased = await loadTokenizer(folder.dir, p);
    expect([...cased.encode('NEWS')]).toEqual([CLS, 9, SEP]);
    expect([...createTokenizer(cased.json, p).encode('NEWS')]).toEqual([CLS, 9, SEP]);
    write('tokenizer_config.json', '{"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": false}');
    expect([...(await loadTokenizer(folder.dir, p)).encode('NEWS')]).toEqual([CLS, 5, SEP]);
  });

  it('says where it looked when there is no tokenizer', async () => {
    const missing = { code: 'CROSSCHECK_TOKENIZER_NOT_FOUND', message: expect.stringContaining(folder.dir) };
    await expect(loadTokenizer(folder.dir, p)).rejects.toMatchObject(missing);
    await expect(loadTokenizer(path.join(folder.dir, 'nope'), p)).rejects.toMatchObject(missing);
  });

  it('names the file that is damaged', async () => {
    const damaged = { code: 'CROSSCHECK_TOKENIZER_INVALID', message: expect.stringContaining('tokenizer') };
    await expect(loadTokenizer(write('tokenizer.json', '{"model": {'), p)).rejects.toMatchObject(damaged);
    write('tokenizer.json', buildBertTokenizerJson(vocab));
    write('tokenizer_config.json', 'oops');
    await expect(loadTokenizer(folder.dir, p)).rejects.toMatchObject(damaged);
  });
});
