import { type Classifier, openClassifier } from '@crosscheck/inference';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { exportArtifact } from '../../exporter/src/index.ts';
import { writeAnyCheckpoint } from '../../exporter/test/any-checkpoint.ts';
import { tinyMetadata } from '../../exporter/test/tiny-checkpoint.ts';
import { buildApp } from '../src/index.ts';
import { formRequest, postForm } from './forms.ts';
import { defaultSettings, picture } from './tiny-service.ts';

// What 0 and 1 mean, from a checkpoint of another program through the ONNX file to the answer.
const { dir, remove } = temporaryFolder();
const classifiers: Classifier[] = [];
afterAll(async () => {
  await Promise.all(classifiers.map((classifier) => classifier.close()));
  remove();
});

async function serve(positiveClass: 'fake' | 'real') {
  const checkpoint = await writeAnyCheckpoint(`${dir}/foreign.safetensors`, null);
  const outputDir = `${dir}/${positiveClass}`;
  await exportArtifact({ checkpoint, outputDir, assume: () => Promise.resolve(tinyMetadata), positiveClass });
  const classifier = await openClassifier(outputDir, { workers: 1 });
  classifiers.push(classifier);
  const app = await buildApp({ classifier, settings: defaultSettings, logStream: { write: () => {} } });
  const answer = (await app.inject(formRequest(postForm('a flood', picture)))).json();
  const { parameters } = (await app.inject('/v2/models/Crosscheck')).json();
  await app.close();
  return { answer, parameters };
}

test('a checkpoint that was trained on 1 = REAL answers for FAKE once it is read with positive_class=real', async () => {
  const [asFake, asReal] = [await serve('fake'), await serve('real')];
  expect(asReal.answer.probability_fake).toBeCloseTo(1 - asFake.answer.probability_fake, 5);
  expect(asReal.answer.probability_fake).not.toBeCloseTo(asFake.answer.probability_fake, 2);
  for (const { parameters } of [asFake, asReal]) expect(parameters.labels).toEqual({ 0: 'REAL', 1: 'FAKE' });
});
