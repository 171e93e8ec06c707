import { expect, test } from 'vitest';
import type { App } from '../src/index.ts';
import { colourAt, picture, tinyService } from './tiny-service.ts';

const service = tinyService();
const base64 = Buffer.from(picture).toString('base64');
const tensor = (name: string, data: string[], shape = [data.length]) => ({ name, datatype: 'BYTES', shape, data });
const uint8 = (data: unknown[], shape: number[]) => ({ name: 'image', datatype: 'UINT8', shape, data });
const inferUrl = '/v2/models/Crosscheck/infer';
type Response = Awaited<ReturnType<App['inject']>>;
const refusal = (response: Response) => [response.statusCode, response.json()];
/** Without a Content-Type, as tritonclient sends. */
const post = async (payload: string | Buffer, headers = {}) =>
  (await service.app()).inject({ method: 'POST', url: inferUrl, payload, headers });
const infer = async (payload: unknown, url = inferUrl) =>
  (await service.app()).inject({ method: 'POST', url, payload: payload as object });

test('the server and the model describe themselves', async () => {
  const app = await service.app();
  expect((await app.inject('/v2')).json()).toMatchObject({ name: 'crosscheck', extensions: ['binary_tensor_data'] });
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
  const response = await infer({ inputs }, url);
  expect(refusal(response)).toEqual([404, { error: expect.stringContaining('this service has "Crosscheck"') }]);
});

const image = tensor('image', [base64]);

test.each([
  ['no inputs', {}, 'inputs: Invalid input'],
  ['one input', { inputs: [tensor('text', ['a'])] }, 'One tensor text and one tensor image'],
  ['the same input twice', { inputs: [tensor('text', ['a']), tensor('text', ['a'])] }, 'One tensor text'],
  ['an unknown input', { inputs: [tensor('text', ['a']), tensor('pixels', ['a'])] }, 'inputs.1.name'],
  ['lengths that differ', { inputs: [tensor('text', ['a', 'b']), image] }, '1 posts beside 2'],
  ['a shape that lies', { inputs: [tensor('text', ['a'], [3]), image] }, 'beside 3'],
  ['no posts', { inputs: [tensor('text', []), tensor('image', [])] }, 'From 1 to 32 posts'],
  ['too many posts', { inputs: [tensor('text', Array(33).fill('a')), tensor('image', Array(33).fill('a'))] }, 'got 33'],
  ['numbers for a text', { inputs: [{ ...tensor('text', ['']), data: [1] }, image] }, 'should be a string'],
  ['no base64', { inputs: [tensor('text', ['a']), tensor('image', ['not base64 at all!'])] }, 'should be base64'],
  ['numbers above 255', { inputs: [tensor('text', ['a']), uint8([256], [1])] }, 'from 0 to 255'],
  ['four channels', { inputs: [tensor('text', ['a']), uint8(Array(16).fill(1), [2, 2, 4])] }, 'RGB as [H, W, 3]'],
  ['a text of numbers', { inputs: [{ ...uint8([1], [1]), name: 'text' }, image] }, 'should be BYTES'],
  ['neither data nor bytes', { inputs: [{ name: 'text', datatype: 'BYTES', shape: [1] }, image] }, 'is required'],
  [
    'an unknown output',
    { inputs: [tensor('text', ['a']), image], outputs: [{ name: 'label' }] },
    'no output "label"; it has prediction',
  ],
  [
    'an extension that is not there',
    { inputs: [tensor('text', ['a']), image], outputs: [{ name: 'logit', parameters: { classification: 1 } }] },
    'classification',
  ],
  ['a list', [], 'body: Invalid input'],
  ['null', 'null', 'body: Invalid input'],
])('%s is answered with 400, and why', async (_, payload, reason) => {
  const response = await post(typeof payload === 'string' ? payload : JSON.stringify(payload));
  expect(refusal(response)).toEqual([400, { error: expect.stringContaining(reason) }]);
});

test.each([
  ['cut', '{"inputs": ['],
  ['not UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22])],
])('a body that is %s is refused', async (_, payload) => {
  expect(refusal(await post(payload))).toEqual([400, { error: expect.stringContaining('expected a JSON object') }]);
});

test('no body at all is answered with what is missing', async () => {
  const response = await (await service.app()).inject({ method: 'POST', url: inferUrl });
  expect(refusal(response)).toEqual([400, { error: expect.stringContaining('body: Invalid input') }]);
});

test.each(['/v2/nothing', '/v2/models', '/v2?x=1/nothing'])('%s has the body of the protocol, too', async (url) => {
  const response = await (await service.app()).inject({ method: 'DELETE', url });
  expect(Object.keys(response.json())).toEqual(['error']);
  expect(response.headers['content-type']).toBe('application/json');
});

test('a picture that is not one is refused with its reason', async () => {
  const notes = Buffer.from('these are notes').toString('base64');
  const response = await infer({ inputs: [tensor('text', ['a']), tensor('image', [notes])] });
  expect(refusal(response)).toEqual([415, { error: expect.stringContaining('expected JPEG') }]);
});

/** A body of JSON and tensors, and the header that says where they meet. */
function binary(request: object, tensors: Buffer[]) {
  const json = Buffer.from(JSON.stringify(request));
  const headers = { 'inference-header-content-length': String(json.length) };
  return post(Buffer.concat([json, ...tensors]), headers);
}

const withLength = (bytes: Uint8Array) => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const rawTensor = (name: string, size: number) => ({
  name,
  datatype: 'BYTES',
  shape: [1],
  parameters: { binary_data_size: size },
});

test('tensors behind the JSON are judged the same, with any Content-Type or none', async () => {
  const [words, file] = [withLength(Buffer.from('a flood, über alles')), withLength(picture)];
  const inputs = [rawTensor('text', words.length), rawTensor('image', file.length)];
  const [expected] = await service.classifier.classify([{ text: 'a flood, über alles', image: picture }]);
  const { outputs } = (await binary({ inputs, outputs: [{ name: 'logit' }] }, [words, file])).json();
  expect(outputs[0].data).toEqual([expect.closeTo(expected?.logit as number, 5)]);
  const requested = [{ name: 'logit', parameters: { binary_data: true } }, { name: 'label_id' }];
  const answer = await binary({ id: 'b', inputs, outputs: requested }, [words, file]);
  const head = Number(answer.headers['inference-header-content-length']);
  expect(JSON.parse(answer.rawPayload.subarray(0, head).toString())).toMatchObject({
    id: 'b',
    outputs: [
      { name: 'logit', datatype: 'FP32', shape: [1], parameters: { binary_data_size: 4 } },
      { name: 'label_id', data: [expected?.labelId] },
    ],
  });
  expect(answer.rawPayload.subarray(head).readFloatLE()).toBeCloseTo(expected?.logit as number, 5);
});

test('bytes that do not fit their sizes are refused', async () => {
  const words = withLength(Buffer.from('a'));
  const inputs = [rawTensor('text', words.length), image];
  const refusals: [Promise<Response>, string][] = [
    [binary({ inputs: [rawTensor('text', 99), image] }, [words]), 'are left behind the JSON'],
    [binary({ inputs }, [words, words]), '5 bytes are behind the last tensor'],
    [binary({ inputs: [{ ...rawTensor('text', 5), data: ['a'] }, image] }, [words]), 'two values for one tensor'],
    [binary({ inputs }, [Buffer.from([9, 0, 0, 0, 65])]), 'longer than its tensor'],
    [binary({ inputs }, [withLength(Buffer.from([0xc3]))]), 'should be UTF-8'],
    [post('{}', { 'inference-header-content-length': '3' }), 'got "3"'],
    [post('{}', { 'inference-header-content-length': '-1' }), 'got "-1"'],
    [post(JSON.stringify({ inputs })), 'Inference-Header-Content-Length'],
  ];
  for (const [response, reason] of refusals)
    expect(refusal(await response)).toEqual([400, { error: expect.stringContaining(reason) }]);
});

test('pixels of any size are judged like the file that they came from', async () => {
  const nested = Array.from({ length: 30 }, (_, y) => Array.from({ length: 40 }, (_, x) => colourAt(x, y)));
  const [expected] = await service.classifier.classify([{ text: 'a', image: picture }]);
  const shapes: [number[], unknown[]][] = [
    [[30, 40, 3], nested.flat(2)],
    [[1, 30, 40, 3], [nested]],
    [[picture.length], [...picture]],
    [[1, picture.length], [...picture]],
  ];
  for (const [shape, values] of shapes) {
    const { outputs } = (await infer({ inputs: [tensor('text', ['a']), uint8(values, shape)] })).json();
    expect(outputs[4].data).toEqual([expect.closeTo(expected?.logit as number, 4)]);
  }
});
