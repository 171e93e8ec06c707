import { runOptionCommand } from '@crosscheck/contract';
import { generateDemo } from '../posts/generate-demo.ts';
import { type Difficulty, difficulties } from '../posts/kinds.ts';

const options = {
  dir: { default: 'demo', help: 'folder that receives train.csv, val.csv, test.csv and images/' },
  difficulty: {
    default: 'easy',
    choices: difficulties,
    help: 'medium: words that also name a past scene; hard: two scenes in both',
  },
  seed: { default: 7, help: 'the same seed gives the same posts' },
  train: { default: 2000, help: 'posts in train.csv (even; hard: a multiple of 4)' },
  val: { default: 400, help: 'posts in val.csv (even)' },
  test: { default: 400, help: 'posts in test.csv (even)' },
  image_size: { default: 160, help: 'longer side of the pictures in pixels' },
};

const write = (text: string) => void process.stdout.write(text);

await runOptionCommand({
  code: 'CROSSCHECK_DATA_BAD_OPTION',
  name: 'data:demo',
  summary: 'Makes small news posts, half of them with the words of another picture.',
  options,
  async main({ dir, difficulty: named, seed, train, val, test, image_size }) {
    const difficulty = named as Difficulty;
    const onProgress = (done: number, total: number) => {
      if (process.stdout.isTTY) write(`\r${done}/${total} posts`);
    };
    const { files, examples } = await generateDemo({
      dir,
      difficulty,
      seed,
      train,
      val,
      test,
      imageSize: image_size,
      onProgress,
    });
    write(`${process.stdout.isTTY ? '\r' : ''}${train + val + test} posts: ${Object.values(files).join(', ')}\n`);
    for (const { label, imagePath, text } of Object.values(examples)) write(`${label}  ${imagePath}  "${text}"\n`);
  },
});
