import type { Architecture } from '@crosscheck/contract';
import { describe, expect, test } from 'vitest';
import { randomWeights } from '../../exporter/src/graph/random-weights.ts';
import { tinyArchitecture } from '../../exporter/test/tiny-artifact.ts';
import { type Field, formBody, formRequest } from './forms.ts';
import { picture, tinyService } from './tiny-service.ts';

// Posts with words alone or a picture alone.
const architecture: Architecture = { ...tinyArchitecture, missingModality: 'learned' };
const trained = tinyService({}, { architecture, weights: randomWeights(architecture, 7) });
const needsBoth = tinyService();
const text: Field = { name: 'text', value: 'a flood' };
const image: Field = { name: 'image', value: picture, filename: 'a.png' };
const noImage: Field = { name: 'image', value: '', filename: '' };
const noText: Field = { name: 'text', value: ' ' };
const ask = async (fields: Field[], url = '/predict', service = trained) =>
  (await (await service.app()).inject(formRequest(formBody(fields), url))).json();

describe('a model that was trained for it', () => {
  test.each([
    ['words alone', [text], ['text'], ''],
    ['words and an empty picture, as a browser sends it', [text, noImage], ['text'], ''],
    ['a picture alone', [image], ['image'], 'a.png'],
    ['a picture and blank words', [noText, image], ['image'], 'a.png'],
  ])('takes %s and flags the answer', async (_, fields, modalities, filename) => {
    for (const url of ['/predict', '/explain']) {
      expect(await ask(fields, url)).toMatchObject({
        filename,
        modalities,
        prediction: expect.stringMatching(/REAL|FAKE/),
      });
    }
  });

  test('answers whole posts with the original’s five fields', async () => {
    expect(Object.keys(await ask([text, image]))).toEqual([
      'filename',
      'prediction',
      'probability_fake',
      'confidence',
      'label_id',
    ]);
  });

  test('takes batches of words, of pictures, and of both with gaps', async () => {
    const modalitiesOf = async (fields: Field[]) =>
      (await ask(fields, '/predict/batch')).predictions.map((answer: { modalities?: string[] }) => answer.modalities);
    expect(await modalitiesOf([text, text])).toEqual([['text'], ['text']]);
    expect(await modalitiesOf([image])).toEqual([['image']]);
    expect(await modalitiesOf([text, image, text, noImage, noText, image])).toEqual([undefined, ['text'], ['image']]);
    expect(await ask([text, text, image], '/predict/batch')).toMatchObject({ statusCode: 422 });
    const { predictions, failed } = await ask([text, image, noText, noImage], '/predict/batch');
    expect(failed).toBe(1);
    expect(predictions[1].error.code).toBe('CROSSCHECK_INFERENCE_POST_INCOMPLETE');
  });

  test('refuses a post without anything', async () => {
    expect(await ask([])).toMatchObject({ statusCode: 422, code: 'CROSSCHECK_SERVER_FIELDS_INVALID' });
    expect(await ask([noText, noImage])).toMatchObject({
      statusCode: 422,
      code: 'CROSSCHECK_INFERENCE_POST_INCOMPLETE',
      message: expect.stringContaining('at least one of them'),
    });
  });

  test('takes one tensor alone, and says which parts a verdict rests on', async () => {
    const infer = async (...inputs: object[]) =>
      (
        await (await trained.app()).inject({ method: 'POST', url: '/v2/models/Crosscheck/infer', payload: { inputs } })
      ).json();
    const tensor = (name: string, data: string[]) => ({ name, datatype: 'BYTES', shape: [data.length], data });
    const base64 = Buffer.from(picture).toString('base64');
    const { outputs } = await infer(tensor('text', ['a flood']));
    expect(outputs.at(-1)).toEqual({ name: 'modalities', datatype: 'BYTES', shape: [1], data: ['text'] });
    const mixed = await infer(tensor('text', ['a', '', 'b']), tensor('image', [base64, base64, '']));
    expect(mixed.outputs.at(-1).data).toEqual(['image+text', 'image', 'text']);
    const whole = await infer(tensor('text', ['a']), tensor('image', [base64]));
    expect(whole.outputs.map(({ name }: { name: string }) => name)).not.toContain('modalities');
    expect((await (await trained.app()).inject('/v2/models/Crosscheck')).json().parameters.modalities).toEqual({
      image: 'optional',
      text: 'optional',
    });
  });
});

test('a model that needs both says so', async () => {
  const refusal = await ask([text], '/predict', needsBoth);
  expect(refusal).toMatchObject({
    statusCode: 422,
    message: 'image: Field required; this model needs a picture and words',
  });
  expect((await ask([text, noImage], '/predict', needsBoth)).statusCode).toBe(400);
  expect(await ask([noText, image], '/predict', needsBoth)).not.toHaveProperty('modalities');
});
