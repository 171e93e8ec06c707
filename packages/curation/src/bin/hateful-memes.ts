import { readingOptions } from '../reading-options.ts';
import { readHatefulMemes } from '../sources/hateful-memes.ts';
import { runSourceCommand } from '../sources/source-command.ts';

await runSourceCommand({
  name: 'data:hateful-memes',
  summary:
    'Turns Hateful Memes (JSONL with img/, or Hugging Face parquet) into our CSVs; 1 = hateful stands where FAKE stands.',
  options: {
    source: { default: 'data/hateful_memes', help: 'folder with train.jsonl … and img/, or with *.parquet' },
    allow_outside_root: readingOptions.allow_outside_root,
  },
  read: ({ source, allow_outside_root }) => readHatefulMemes(source, allow_outside_root),
});
