import { expect, test } from 'vitest';
import { picture, tinyService } from './tiny-service.ts';

const service = tinyService();
const base64 = Buffer.from(picture).toString('base64');
const tensor = (name: string, data: string[], shape = [data.length]) => ({ name, datatype: 'BYTES', shape, data });
const infer = async (payload: unknown, url = '/v2/models/Crosscheck/infer') =>
  (await service.app()).inject({ method: 'POST', url, payload: payload as object });

test('the server and the model describe themselves', async () => {
  const app = await service.app();
  expect((await app.inject('/v2')).json()).toMatchObject({ name: 'crosscheck', extensions: [] });
  for (const url of ['/v2/models/Crosscheck', '/v2/models/Crosscheck/versions/tiny']) {
    expect((await app.inject(url)).json()).toMatchObject({
      name: 'Crosscheck',
      versions: ['tiny'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1] }, { name: 'image' }],
      parameters: { labels: { 0: 'REAL', 1: 'FAKE' }, threshold: 0.5 },
    });
  }
});

test('posts go in as BYTES tensors and come back as verdicts', async () => {
  const inputs = [tensor('text', ['a flood', 'calm'], [2, 1]), tensor('image', [base64, base64])];
  const { model_name, id, outputs } = (await infer({ id: '7', inputs })).json();
  const expected = await service.classifier.classify([
    { text: 'a flood', image: picture },
    { text: 'calm', image: picture },
  ]);
  expect([model_name, id]).toEqual(['Crosscheck', '7']);
  expect(outputs.map(({ name, shape }: { name: string; shape: number[] }) => [name, shape])).toEqual(
    ['prediction', 'label_id', 'probability_fake', 'confidence', 'logit'].map((name) => [name, [2]]),
  );
  expect(outputs[0].data).toEqual(expected.map(({ prediction }) => prediction));
  expect(outputs[4].data).toEqual(expected.map(({ logit }) => expect.closeTo(logit, 5)));
});

test('only the outputs asked for come back', async () => {
  const inputs = [tensor('text', ['a']), tensor('image', [base64])];
  const { outputs } = (await infer({ inputs, outputs: [{ name: 'label_id' }] })).json();
  expect(outputs).toEqual([{ name: 'label_id', datatype: 'INT64', shape: [1], data: [expect.any(Number)] }]);
});

test.each([
  ['another model', '/v2/models/resnet/infer'],
  ['another version', '/v2/models/Crosscheck/versions/9/infer'],
])('%s is not found', async (_, url) => {
  const inputs = [tensor('text', ['a']), tensor('image', [base64])];
  expect((await infer({ inputs }, url)).json()).toMatchObject({
    statusCode: 404,
    code: 'CROSSCHECK_SERVER_MODEL_UNKNOWN',
  });
});

test.each([
  ['no inputs', {}],
  ['one input', { inputs: [tensor('text', ['a'])] }],
  ['the same input twice', { inputs: [tensor('text', ['a']), tensor('text', ['a'])] }],
  ['an unknown input', { inputs: [tensor('text', ['a']), tensor('pixels', ['a'])] }],
  ['lengths that differ', { inputs: [tensor('text', ['a', 'b']), tensor('image', [base64])] }],
  ['a shape that lies', { inputs: [tensor('text', ['a'], [3]), tensor('image', [base64])] }],
  ['no posts', { inputs: [tensor('text', []), tensor('image', [])] }],
  ['too many posts', { inputs: [tensor('text', Array(33).fill('a')), tensor('image', Array(33).fill('a'))] }],
  ['numbers for words', { inputs: [{ ...tensor('text', []), data: [1] }, tensor('image', [base64])] }],
  ['a list', []],
  ['null', 'null'],
])('%s is answered with 422 and the place', async (_, payload) => {
  const app = await service.app();
  const headers = { 'content-type': 'application/json' };
  const url = '/v2/models/Crosscheck/infer';
  const response = await app.inject({
    method: 'POST',
    url,
    headers,
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  });
  expect(response.json()).toMatchObject({ statusCode: 422, code: 'CROSSCHECK_SERVER_FIELDS_INVALID' });
  expect(response.json().detail[0].loc[0]).toBe('body');
});

test.each([
  ['cut', '{"inputs": ['],
  ['not UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22])],
])('a body that is %s is refused', async (_, payload) => {
  const headers = { 'content-type': 'application/json' };
  const url = '/v2/models/Crosscheck/infer';
  const response = await (await service.app()).inject({ method: 'POST', url, headers, payload });
  expect(response.json()).toMatchObject({ statusCode: 400, code: 'CROSSCHECK_SERVER_JSON_BROKEN' });
});

test('no body at all is answered with what is missing', async () => {
  const response = await (await service.app()).inject({ method: 'POST', url: '/v2/models/Crosscheck/infer' });
  expect(response.json()).toMatchObject({ statusCode: 422, code: 'CROSSCHECK_SERVER_FIELDS_INVALID' });
});

test('a picture that is not one is refused with its reason', async () => {
  const response = await infer({ inputs: [tensor('text', ['a']), tensor('image', ['not base64 at all!'])] });
  expect(response.json()).toMatchObject({ statusCode: 415, code: 'CROSSCHECK_IMAGE_UNSUPPORTED' });
});
