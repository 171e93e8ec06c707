import {
  type AblatedAccuracy,
  confidentMistakes,
  describePairs,
  predictionChecks,
  wilsonInterval,
} from '@crosscheck/evaluation';
import sharp from 'sharp';
import type { Mistake, ReportData } from '../src/index.ts';
import { twoPhaseEpochs } from './history.ts';
import { exampleSplit } from './split.ts';

const captions = [
  'Firefighters hold the line as flames close in on the village',
  '<script>alert("caption")</script> & "quotes" <img src=http://example.com/x.png>',
  'Streets under water after a night of rain',
  'Snow closes the pass for the third day in a row, and the village behind it waits for a plough that the county has promised since Monday morning',
  '',
  'Городские огни ночью',
];

function scene(hue: number): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="${400 + 40 * (hue % 5)}"><defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="hsl(${hue},60%,70%)"/><stop offset="1" stop-color="hsl(${hue + 40},50%,35%)"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/><circle cx="${120 + hue}" cy="110" r="46" fill="hsl(45,90%,80%)"/><path d="M0 320L160 190L300 310L430 220L640 340V700H0Z" fill="hsl(${hue + 60},30%,22%)"/></svg>`;
  return sharp(Buffer.from(svg)).jpeg().toBuffer();
}

/** A full report as a real run fills it, hostile captions included. */
export async function exampleReport(): Promise<ReportData> {
  const evaluation = exampleSplit(1200);
  const { probabilities, labels, threshold } = evaluation;
  const rows = confidentMistakes(probabilities, labels, threshold, captions.length);
  const mistakes = rows.map(
    async (row, i): Promise<Mistake> => ({
      image: i === 3 ? null : i === 4 ? new Uint8Array([1, 2, 3]) : await scene(i * 55),
      caption: captions[i] as string,
      label: labels[row] === 1 ? 1 : 0,
      probability: probabilities[row] as number,
      source: `test.csv:${row + 2}`,
    }),
  );
  return {
    title: 'Two phases on Fakeddit',
    version: '1.7',
    createdAt: '2026-11-21T07:30:00.000Z',
    description: 'Frozen backbones first, then everything at a lower rate. Checkpoint chosen by validation accuracy.',
    warnings: ['12 of 1,212 test rows were skipped because their pictures could not be read.'],
    epochs: twoPhaseEpochs,
    phases: [
      { phase: 'frozen', details: { 'learning rate': '1e-4', trainable: '1,870,337', minutes: '0.4' } },
      { phase: 'finetune', details: { 'learning rate': '2e-5', trainable: '72,240,765', minutes: '38.2' } },
    ],
    bestMetric: 'val/accuracy',
    evaluation,
    groups: {
      column: 'subreddit',
      values: Array.from(
        labels,
        (_, i) => ['photoshopbattles', 'mildlyinteresting', 'theonion', 'nottheonion'][(i * i) % 4] as string,
      ),
    },
    ablations: {
      full: wilsonInterval(970, 1200),
      textOnly: ablatedFrom(970, 320, 52),
      imageOnly: ablatedFrom(970, 360, 45),
      shuffled: ablatedFrom(970, 340, 60),
    },
    checks: predictionChecks({
      predictions: Array.from(probabilities, (p) => (p > threshold ? 1 : 0)),
      probabilities,
      labels,
    }),
    mistakes: await Promise.all(mistakes),
    config: {
      data: { root_dir: 'data/fakeddit', max_length: 128, label_map: { 0: 'REAL', 1: 'FAKE' } },
      training: {
        learning_rate: 0.0001,
        phases: [
          { name: 'frozen', num_epochs: 5 },
          { name: 'finetune', num_epochs: 4 },
        ],
        tags: ['a', 'b'],
      },
      model: { load_model: false, best_model_name: null },
    },
    configOrigins: {
      'training.learning_rate': 'override training.learning_rate=1e-4',
      'data.max_length': 'configs/data/default.yaml:9',
    },
    environment: {
      node: 'v24.21.0',
      tensorflow: '2.18.1 (CPU)',
      commit: '48df6cc',
      cpu: '2 cores',
      platform: 'linux x64',
    },
  };
}

/** An ablation of 1,200 posts that loses some of the right verdicts and wins some of the others. */
function ablatedFrom(right: number, lost: number, won: number): AblatedAccuracy {
  const pairs = {
    bothRight: right - lost,
    onlyFirstRight: lost,
    onlySecondRight: won,
    bothWrong: 1200 - right - won,
  };
  return { ...wilsonInterval(right - lost + won, 1200), change: describePairs(pairs) };
}
