import { CrosscheckError } from '@crosscheck/contract';
import { forEachConcurrently } from '@crosscheck/files';
import { readingOf, readingOptions } from '../reading-options.ts';
import { readFolder } from '../sources/folder.ts';
import { labelOptions, positiveClassOf, runSourceCommand } from '../sources/source-command.ts';
import { framesOf, requireFfmpeg, videoEnding } from '../sources/video.ts';
import type { SourcePost } from '../sources/write-source.ts';

await runSourceCommand({
  name: 'data:video',
  summary:
    'Turns video posts into one post per sampled frame, with a video_id column: evaluate them with evaluation.post_column=video_id. Needs ffmpeg.',
  options: {
    train: { default: null, help: 'CSV or TSV for train.csv' },
    val: { default: null, help: 'CSV or TSV for val.csv' },
    test: { default: null, help: 'CSV or TSV for test.csv' },
    videos_dir: { default: 'videos', help: 'folder of videos, or of one folder per video; subfolders are searched' },
    frames: { default: 8, min: 1, help: 'per video, at equal distances' },
    text_column: { default: 'text_content', help: 'name of the column with the caption' },
    video_column: { default: 'video_path', help: 'name of the column with a file or folder name' },
    ...labelOptions,
    ...readingOptions,
  },
  allowBlank: true,
  async read(values) {
    await requireFfmpeg();
    const splits: Record<string, SourcePost[]> = {};
    for (const split of ['train', 'val', 'test'] as const) {
      const file = values[split];
      if (file === null) continue;
      const videos = await readFolder(file, {
        ...readingOf(values),
        positiveClass: positiveClassOf(values),
        imagesDir: values.videos_dir,
        option: 'videos_dir',
        endings: videoEnding,
        folders: true,
        imageOption: 'video_column',
        textColumn: values.text_column,
        imageColumn: values.video_column,
        labelColumn: values.label_column,
      });
      const frames: SourcePost[][] = [];
      await forEachConcurrently(videos, 2, async (post, i) => {
        frames[i] = await framesOf(post, values.frames);
      });
      splits[split] = frames.flat();
    }
    if (Object.keys(splits).length > 0) return splits;
    throw new CrosscheckError(
      'CROSSCHECK_DATA_BAD_OPTION',
      'expected train=<CSV>, val=<CSV> or test=<CSV>, got none of them',
    );
  },
});
