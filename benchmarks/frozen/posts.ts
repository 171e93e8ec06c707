import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom, defaultPreprocessing } from '@crosscheck/contract';
import { buildBertTokenizerJson, createTokenizer } from '@crosscheck/preprocess';
import { drawPictures } from '../data/pictures.ts';
import { titleLengths } from '../training/samples.ts';

const vocabularySize = 30_522;
const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/** A data set of drawn pictures with texts as long as titles are, its tokenizer, and the same posts with token ids for others to read. */
export async function makePosts(folder: string, count: number): Promise<void> {
  const { samples } = await drawPictures(path.join(folder, 'images'), count);
  const words = Array.from({ length: vocabularySize - special.length }, (_, i) => `w${i}`);
  const tokenizerJson = buildBertTokenizerJson([...special, ...words]);
  mkdirSync(path.join(folder, 'tokenizer'));
  writeFileSync(path.join(folder, 'tokenizer/tokenizer.json'), tokenizerJson);
  const random = createRandom(3, 'benchmark texts');
  const texts = Array.from(titleLengths(count), (length) =>
    Array.from({ length: length - 2 }, () => words[random.int(words.length)]).join(' '),
  );
  const csv = (rows: number) =>
    ['image_path,text_content,label', ...texts.slice(0, rows).map((text, i) => `${i}.jpg,${text},${i % 2}`), ''].join(
      '\n',
    );
  writeFileSync(path.join(folder, 'train.csv'), csv(count));
  writeFileSync(path.join(folder, 'val.csv'), csv(2));
  const tokenizer = createTokenizer(tokenizerJson, defaultPreprocessing);
  const posts = samples.map(({ imagePath, label }, i) => ({
    imagePath,
    label,
    ids: [...tokenizer.encode(texts[i] as string)],
  }));
  writeFileSync(path.join(folder, 'posts.json'), JSON.stringify(posts));
}
