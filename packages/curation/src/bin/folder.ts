import { CrosscheckError } from '@crosscheck/contract';
import { readingOf, readingOptions } from '../reading-options.ts';
import { readFolder } from '../sources/folder.ts';
import { labelOptions, positiveClassOf, runSourceCommand } from '../sources/source-command.ts';
import type { SourcePost } from '../sources/write-source.ts';

await runSourceCommand({
  name: 'data:folder',
  summary:
    'Turns CSV or TSV files over a folder of pictures into our CSVs. One file only? Divide it with pnpm data:split.',
  options: {
    train: { default: null, help: 'CSV or TSV for train.csv' },
    val: { default: null, help: 'CSV or TSV for val.csv' },
    test: { default: null, help: 'CSV or TSV for test.csv' },
    images_dir: { default: 'images', help: 'folder of pictures; subfolders are searched' },
    text_column: { default: 'text_content', help: 'name of the column with the words' },
    image_column: { default: 'image_path', help: 'name of the column with a file name, with or without its ending' },
    ...labelOptions,
    ...readingOptions,
  },
  async read(values) {
    const splits: Record<string, SourcePost[]> = {};
    for (const split of ['train', 'val', 'test'] as const) {
      const file = values[split];
      if (file === null) continue;
      splits[split] = await readFolder(file, {
        ...readingOf(values),
        positiveClass: positiveClassOf(values),
        imagesDir: values.images_dir,
        option: 'images_dir',
        endings: /\.(jpe?g|png|webp|gif|avif|tiff?|bmp|heic)$/i,
        folders: false,
        imageOption: 'image_column',
        textColumn: values.text_column,
        imageColumn: values.image_column,
        labelColumn: values.label_column,
      });
    }
    if (Object.keys(splits).length > 0) return splits;
    throw new CrosscheckError(
      'CROSSCHECK_DATA_BAD_OPTION',
      'expected train=<CSV>, val=<CSV> or test=<CSV>, got none of them',
    );
  },
});
