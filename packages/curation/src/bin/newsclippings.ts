import path from 'node:path';
import { readingOptions } from '../reading-options.ts';
import { readNewsclippings } from '../sources/newsclippings.ts';
import { runSourceCommand } from '../sources/source-command.ts';

await runSourceCommand({
  name: 'data:newsclippings',
  summary: 'Turns NewsCLIPpings annotations over VisualNews into our CSVs; falsified pairs are FAKE.',
  options: {
    source: { default: 'news_clippings/data/merged_balanced', help: 'folder with train.json, val.json, test.json' },
    articles: { default: 'visual_news/origin/data.json', help: "VisualNews' data.json" },
    images_dir: { default: null, help: 'what its picture paths resolve against; null = its folder' },
    allow_outside_root: readingOptions.allow_outside_root,
  },
  read({ source, articles, images_dir, allow_outside_root }) {
    const files = ['train', 'val', 'test'].map((split) => [split, path.join(source, `${split}.json`)] as const);
    return readNewsclippings(Object.fromEntries(files), articles, images_dir, allow_outside_root);
  },
});
