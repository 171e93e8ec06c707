import { readdirSync, readFileSync } from 'node:fs';
import { repositoryRoot } from '@crosscheck/testkit';
import { expect, test } from 'vitest';
import { encodePng } from '../../exporter/test/tiny-artifact.ts';
import { boundary, formBody, formRequest, postForm } from './forms.ts';
import { largePicture, picture, tinyService } from './tiny-service.ts';

const service = tinyService({ maxPixels: 4_000_000 });
const text = { name: 'text', value: 'a flood' };
const image = { name: 'image', value: picture, filename: 'flood.png' };

test('a post gets the original’s five fields, equal to what the classifier says', async () => {
  const app = await service.app();
  const response = await app.inject(formRequest(postForm('a flood hits the city', picture, 'flood.png')));
  const [expected] = await service.classifier.classify([{ text: 'a flood hits the city', image: picture }]);
  expect(response.statusCode).toBe(200);
  expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(response.json()).toEqual({
    filename: 'flood.png',
    prediction: expected?.prediction,
    probability_fake: expected?.probabilityFake,
    confidence: expected?.confidence,
    label_id: expected?.labelId,
  });
});

test('the picture may come before the text, and a blank text is a text', async () => {
  const app = await service.app();
  for (const value of ['', ' \n ', 'words']) {
    const { statusCode } = await app.inject(formRequest(formBody([image, { name: 'text', value }])));
    expect(statusCode).toBe(200);
  }
});

test('a text in another charset is read as what it is', async () => {
  const app = await service.app();
  const latin = { name: 'text', value: Buffer.from('stürmisch', 'latin1'), type: 'text/plain; charset=ISO-8859-1' };
  expect((await app.inject(formRequest(formBody([latin, image])))).statusCode).toBe(200);
});

const missing = (field: string) => ({
  type: 'missing',
  loc: ['body', field],
  msg: 'Field required; this model needs a picture and words',
});

test.each([
  ['no text', [image], [missing('text')]],
  ['no image', [text], [missing('image')]],
  ['neither', [], [missing('text'), missing('image')]],
  ['two texts', [text, text, image], [{ type: 'too_many', loc: ['body', 'text'] }]],
  ['two images', [text, image, image], [{ type: 'too_many', loc: ['body', 'image'] }]],
  [
    'an unknown field',
    [text, image, { name: '__proto__', value: '1' }],
    [{ type: 'extra_forbidden', loc: ['body', '__proto__'] }],
  ],
  ['a text that is a file', [{ ...text, filename: 'a.txt' }, image], [{ type: 'string_type', loc: ['body', 'text'] }]],
  [
    'an image that is no file',
    [text, { name: 'image', value: 'abc' }],
    [{ type: 'file_type', loc: ['body', 'image'] }],
  ],
  [
    'a text that is not UTF-8',
    [{ name: 'text', value: Buffer.from([0xc3, 0x28]) }, image],
    [{ type: 'string_unicode', loc: ['body', 'text'] }],
  ],
  [
    'an unknown charset',
    [{ ...text, type: 'text/plain; charset=x-none' }, image],
    [{ type: 'string_unicode', loc: ['body', 'text'] }],
  ],
  [
    'a long text',
    [{ name: 'text', value: 'x'.repeat(10_001) }, image],
    [{ type: 'string_too_long', loc: ['body', 'text'], ctx: { max_length: 10_000 } }],
  ],
])('%s is answered with 422 and the field', async (_, fields, detail) => {
  const response = await (await service.app()).inject(formRequest(formBody(fields)));
  expect(response.statusCode).toBe(422);
  expect(response.json()).toMatchObject({
    statusCode: 422,
    code: 'CROSSCHECK_SERVER_FIELDS_INVALID',
    error: 'Unprocessable Entity',
    detail,
  });
});

test('characters are counted, not UTF-16 units', async () => {
  const app = await service.app({ max_text_length: 10 });
  const status = async (value: string) => (await app.inject(formRequest(postForm(value, picture)))).statusCode;
  expect([await status('😀'.repeat(10)), await status('😀'.repeat(11)), await status('x'.repeat(21))]).toEqual([
    200, 422, 422,
  ]);
});

const jpegStart = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]);

test.each([
  ['an empty picture', new Uint8Array(0), 400, 'CROSSCHECK_IMAGE_UNREADABLE'],
  ['a cut picture', picture.subarray(0, 60), 400, 'CROSSCHECK_IMAGE_UNREADABLE'],
  [
    'noise behind a JPEG signature',
    Buffer.concat([jpegStart, Buffer.alloc(500, 0x5a)]),
    400,
    'CROSSCHECK_IMAGE_UNREADABLE',
  ],
  ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 415, 'CROSSCHECK_IMAGE_UNSUPPORTED'],
  ['PDF', Buffer.from('%PDF-1.7\n'), 415, 'CROSSCHECK_IMAGE_UNSUPPORTED'],
  ['a text called .jpg', Buffer.from('hello'), 415, 'CROSSCHECK_IMAGE_UNSUPPORTED'],
  ['more pixels than allowed', encodePngHeader(30_000, 30_000), 413, 'CROSSCHECK_IMAGE_TOO_LARGE'],
])('%s is refused', async (_, bytes, status, code) => {
  const response = await (await service.app()).inject(formRequest(postForm('words', bytes, 'a.jpg')));
  expect(response.json()).toMatchObject({ statusCode: status, code, detail: expect.any(String) });
  expect(response.statusCode).toBe(status);
});

/** A small file that says it is huge. */
function encodePngHeader(width: number, height: number): Uint8Array {
  const bytes = Buffer.from(encodePng(8, 8, () => [1, 2, 3]));
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

const mediaType = { statusCode: 415, code: 'CROSSCHECK_SERVER_MEDIA_TYPE' };
const formHeader = `multipart/form-data; boundary=${boundary}`;

test.each([
  ['XML', { 'content-type': 'application/xml' }, mediaType],
  ['a body of no type', {}, mediaType],
  ['an invalid type', { 'content-type': 'nonsense' }, { statusCode: 415 }],
  ['a compressed form', { 'content-type': formHeader, 'content-encoding': 'gzip' }, mediaType],
  [
    'a form without a boundary',
    { 'content-type': 'multipart/form-data' },
    { statusCode: 400, code: 'CROSSCHECK_SERVER_FORM_BROKEN' },
  ],
])('%s is refused', async (_, headers, expected) => {
  const response = await (await service.app()).inject({ method: 'POST', url: '/predict', headers, payload: 'x' });
  expect(response.statusCode).toBe(expected.statusCode);
  expect(response.json()).toMatchObject({ ...expected, message: expect.any(String), detail: expect.any(String) });
});

test('a form without files, as clients send it, is answered with the field that is missing', async () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const response = await (await service.app()).inject({
    method: 'POST',
    url: '/predict',
    headers,
    payload: 'text=a+b',
  });
  expect(response.json()).toMatchObject({ statusCode: 422, detail: [missing('image')] });
});

test('a body above the limit is refused by its Content-Length and by its bytes', async () => {
  const app = await service.app({ max_body_bytes: 1000 });
  const body = postForm('words', largePicture);
  const told = await app.inject(formRequest(body));
  const chunked = await app.inject({
    ...formRequest(body),
    headers: { ...formRequest(body).headers, 'transfer-encoding': 'chunked' },
  });
  for (const response of [told, chunked])
    expect(response.json()).toMatchObject({ statusCode: 413, code: 'CROSSCHECK_SERVER_BODY_TOO_LARGE' });
});

test('the file name is given back as it came, and no file is made of it', async () => {
  const app = await service.app();
  const before = readdirSync('.');
  const name = '../../tmp/<script>alert(1)</script>\u202e\t%00.jpg';
  const response = await app.inject(formRequest(postForm('words', picture, name)));
  expect(response.json()).toMatchObject({ filename: name });
  expect(response.headers['x-content-type-options']).toBe('nosniff');
  expect(readdirSync('.')).toEqual(before);
  expect(JSON.stringify(service.log)).not.toContain('script');
});

test('other methods get 405 with Allow, unknown paths 404', async () => {
  const app = await service.app();
  const wrong = await app.inject('/predict');
  expect([wrong.statusCode, wrong.headers.allow, wrong.json().code]).toEqual([
    405,
    'POST',
    'CROSSCHECK_SERVER_METHOD_UNSUPPORTED',
  ]);
  for (const method of ['DELETE', 'QUERY', 'PROPFIND'] as const) {
    const refused = await app.inject({ method: method as 'DELETE', url: '/health' });
    expect([refused.statusCode, refused.headers.allow]).toEqual([405, 'GET']);
  }
  expect((await app.inject('/nowhere')).json()).toMatchObject({
    statusCode: 404,
    code: 'CROSSCHECK_SERVER_ROUTE_UNKNOWN',
  });
  expect((await app.inject('/%zz')).json()).toMatchObject({ statusCode: 400, detail: expect.any(String) });
});

test('a batch is answered in order, and a bad post leaves the others alone', async () => {
  const app = await service.app();
  const fields = [
    text,
    image,
    { name: 'text', value: 'calm' },
    { ...image, value: Buffer.from('no picture'), filename: 'bad.png' },
    { name: 'text', value: 'the river' },
    image,
  ];
  const { predictions, failed } = (await app.inject(formRequest(formBody(fields), '/predict/batch'))).json();
  expect(failed).toBe(1);
  expect(predictions[0]).toMatchObject({ filename: 'flood.png', label_id: expect.any(Number) });
  expect(predictions[1]).toMatchObject({
    filename: 'bad.png',
    error: { statusCode: 415, code: 'CROSSCHECK_IMAGE_UNSUPPORTED' },
  });
  const [third] = await service.classifier.classify([{ text: 'the river', image: picture }]);
  expect(predictions[2].probability_fake).toBeCloseTo(third?.probabilityFake as number, 6);
});

test('a batch as large as allowed is answered without a warning', async () => {
  const warnings: Error[] = [];
  const remember = (warning: Error) => void warnings.push(warning);
  process.on('warning', remember);
  const fields = Array.from({ length: 32 }, () => [text, image]).flat();
  const { predictions, failed } = (
    await (await service.app()).inject(formRequest(formBody(fields), '/predict/batch'))
  ).json();
  process.off('warning', remember);
  expect([predictions.length, failed, warnings]).toEqual([32, 0, []]);
});

test('a batch of which nothing can be judged is answered with its first error', async () => {
  const bad = { ...image, value: Buffer.from('no picture') };
  const response = await (await service.app()).inject(formRequest(formBody([text, bad, text, bad]), '/predict/batch'));
  expect(response.json()).toMatchObject({ statusCode: 415, code: 'CROSSCHECK_IMAGE_UNSUPPORTED' });
});

test.each([
  ['nothing', []],
  ['more texts than images', [text, text, image]],
  ['more posts than allowed', [text, image, text, image, text, image]],
])('a batch of %s is refused', async (_, fields) => {
  const app = await service.app({ max_posts: 2 });
  const response = await app.inject(formRequest(formBody(fields), '/predict/batch'));
  expect(response.json()).toMatchObject({ statusCode: 422, detail: [{ loc: ['body'] }] });
});

test('what phones save is judged, and what is no image is called by its name', async () => {
  const app = await service.app();
  const golden = `${repositoryRoot}/packages/preprocess/test/golden/heic`;
  for (const name of ['turned.heic', 'palette.bmp']) {
    const answer = await app.inject(formRequest(postForm('a flood', readFileSync(`${golden}/${name}`), name)));
    expect(answer.json()).toMatchObject({ filename: name, prediction: expect.stringMatching(/REAL|FAKE/) });
  }
  const refused = await app.inject(formRequest(postForm('a flood', Buffer.from('%PDF-1.7 …'))));
  expect(refused.json()).toMatchObject({ statusCode: 415, message: expect.stringContaining('got a PDF (image)') });
});
