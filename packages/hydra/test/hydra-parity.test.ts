import path from 'node:path';
import { repositoryRoot } from '@crosscheck/testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { compose } from '../src/compose/compose.ts';
import { HydraError } from '../src/errors.ts';
import { resolveConfig } from '../src/interpolation/interpolator.ts';
import { toPlain } from '../src/tree/node.ts';
import { composeWithHydra, hydraPython, type Outcome } from './python/python.ts';

const dir = path.join(repositoryRoot, 'configs');

const cases: { config: string; overrides: string[] }[] = [
  ...[
    [],
    ['model=tiny'],
    ['model=tiny', 'data=demo'],
    ['data=demo', 'data.root_dir=/somewhere/else'],
    ['experiment=two_phase'],
    ['experiment=demo'],
    ['experiment=demo', 'model=multimodal'],
    ['experiment=demo', 'training.num_epochs=3', 'training.batch_size=8'],
    ['experiment=two_phase', 'debug=one_step'],
    ['debug=overfit_batch'],
    ['debug=overfit_batch', 'training.batch_size=4'],
    ['debug=limit', 'data.n_rows=-1'],
    ['experiment=demo', 'debug=limit', 'model.freeze_text=true'],
    ['training.learning_rate=0.0001', 'training.batch_size=64'],
    ['model.load_model=true', 'model.best_model_name=best_model_1.5.pth', 'training.version=1.9'],
    ['model.freeze_vision=true', 'model.freeze_text=true', 'training.num_epochs=3'],
    ['model.freeze_vision=false', 'training.learning_rate=0.00001', 'model.dropout_rate=0.5'],
    ['training.version=1.8_custom', 'training.learning_rate=2e-5'],
    ['training.version=1.10'],
    ['training.tracking_uri=http://127.0.0.1:5000'],
    ['mlflow.tracking_uri=http://mlflow:5000', 'mlflow.run_name=first'],
    ['mlflow.run_name=${training.version}-${model.name}'],
    ['training.checkpoint_dir=${oc.env:CROSSCHECK_NO_SUCH_VARIABLE,./elsewhere}'],
    ['export.output_dir=artifact_${training.version}_${model.name}'],
    ['~mlflow.enabled', '+mlflow.enabled=false'],
    ['+training.note=hello', '+data.extra.deep=[1,2,{a: b}]'],
    ['++training.seed=7', '++training.other=7'],
    ['~data.augmentation.color_jitter'],
    ['data.augmentation.color_jitter={brightness:0,contrast:0.5}'],
    ['training.phases={b: {num_epochs: 1}, a: {freeze_text: true}}'],
    ['experiment=two_phase', 'training.phases.frozen.num_epochs=9', 'training.phases.finetune.learning_rate=1e-6'],
    ['experiment=two_phase', '+training.phases.after.num_epochs=1', '+training.phases.finetune.batch_size=2'],
    ['experiment=two_phase', '+training.phases={before: {num_epochs: 1}, frozen: {num_epochs: 2}}'],
    ['experiment=two_phase', 'training.phases={before: {num_epochs: 1}}'],
    ['experiment=two_phase', 'training.phases.third.num_epochs=1'],
    ['experiment=two_phase', 'training.phases.1.num_epochs=10'],
    ['training.phases.frozen.num_epochs=10'],
    ['model.vision.stages.0.channels=24', 'model.vision.stages.6={expand:4}'],
    ['model.text.weights=null', 'model.vision.weights=null'],
    ['model.text.pretrained_model=distilbert-base-cased'],
    ['+model@teacher=tiny'],
    ['+experiment@_global_=demo', 'data.root_dir=x'],
    ['hydra.run.dir=out/${training.version}', 'hydra.job.name=other'],
    ['data.text_column="clean title"', "data.label_column='2_way_label'"],
    ['training.num_epochs=int(3.7)', 'training.resume=str(12)'],
    ['training.learning_rat=1'],
    ['model=huge'],
    ['+training.seed=1'],
    ['training.seed=1,2'],
    ['nothing=1'],
  ].map((overrides) => ({ config: 'config', overrides })),
  ...[
    [],
    [
      'inference.mode=single',
      'inference.single.image_path=data/images/test.jpg',
      'inference.single.text="Breaking, news"',
    ],
    ['inference.mode=batch', 'inference.batch.csv_file=data/test.csv', 'inference.batch.output_file=predictions.csv'],
    ['inference.checkpoint.path=checkpoints/your_model.pth', 'inference.checkpoint.device=cpu'],
    ['data.text_column=your_text_column', 'data.image_column=your_image_column'],
    ['serve.port=0', 'serve.artifact=${inference.checkpoint.path}'],
  ].map((overrides) => ({ config: 'config_inference', overrides })),
];

let outcomes: Outcome[] | undefined;
let reason = '';

beforeAll(async () => {
  try {
    outcomes = await composeWithHydra(await hydraPython(), { dir, cases });
  } catch (error) {
    reason = `real Hydra is not at hand: ${(error as Error).message.split('\n')[0]}`;
  }
}, 300_000);

const refused = 'refused';

function theirs({ raw, resolved, error }: Outcome): object {
  return error === undefined ? { raw, resolved: resolved ?? refused } : { raw: refused, resolved: refused };
}

function ours({ config: configName, overrides }: { config: string; overrides: string[] }): object {
  const attempt = <T>(body: () => T): T | typeof refused => {
    try {
      return body();
    } catch (error) {
      if (!(error instanceof HydraError)) throw error;
      return refused;
    }
  };
  const composed = attempt(() => compose({ configName, sources: [{ provider: 'main', dir }], overrides }));
  if (composed === refused) return { raw: refused, resolved: refused };
  const { config, hydra } = composed;
  return { raw: toPlain(config), resolved: attempt(() => toPlain(resolveConfig(config, { hydra }))) };
}

describe("this repository's configs, composed by hydra-core from PyPI and by us", () => {
  test('are compared over at least 30 override lists', () => {
    expect(cases.length).toBeGreaterThanOrEqual(30);
  });

  test.for(cases.map((item, index) => ({ ...item, index })))('$config $overrides gives the same', (item, { skip }) => {
    const outcome = outcomes?.[item.index];
    if (outcome === undefined) return skip(reason);
    expect(JSON.stringify(ours(item))).toBe(JSON.stringify(theirs(outcome)));
  });
});
