import { expect, test } from 'vitest';
import { formBody, formRequest } from './forms.ts';
import { picture, tinyService } from './tiny-service.ts';

// UNSURE: only for requests that ask for it, or where the settings ask for everyone.
const service = tinyService({}, { abstainBand: { low: 0, high: 1 } });
const plain = tinyService();
const form = (...more: { name: string; value: string }[]) =>
  formBody([{ name: 'text', value: 'a flood' }, { name: 'image', value: picture, filename: 'a.png' }, ...more]);
const asked = { name: 'abstain', value: 'true' };
const declined = { name: 'abstain', value: 'false' };

test.each(['/predict', '/predict/batch', '/explain'])('%s answers UNSURE when asked', async (url) => {
  const app = await service.app();
  const send = async (...more: { name: string; value: string }[]) => {
    const body = (await app.inject(formRequest(form(...more), url))).json();
    return body.predictions?.[0] ?? body;
  };
  const [usual, refused, unsure] = [await send(), await send(declined), await send(asked)];
  expect(usual.prediction).toMatch(/^(REAL|FAKE)$/);
  expect(refused.prediction).toBe(usual.prediction);
  expect(unsure).toMatchObject({ prediction: 'UNSURE', label_id: -1, probability_fake: usual.probability_fake });
  expect(unsure.confidence).toBe(usual.confidence);
});

test('the Open Inference Protocol asks by a parameter', async () => {
  const app = await service.app();
  const inputs = [
    { name: 'text', datatype: 'BYTES', shape: [1], data: ['a flood'] },
    { name: 'image', datatype: 'BYTES', shape: [1], data: [Buffer.from(picture).toString('base64')] },
  ];
  const infer = async (parameters?: object) => {
    const payload = { inputs, ...(parameters && { parameters }) };
    const { outputs } = (await app.inject({ method: 'POST', url: '/v2/models/Crosscheck/infer', payload })).json();
    return outputs.slice(0, 2).map(({ data }: { data: unknown[] }) => data[0]);
  };
  expect(await infer({ abstain: true })).toEqual(['UNSURE', -1]);
  expect((await infer())[0]).toMatch(/REAL|FAKE/);
});

test('serve.abstain asks for everyone, serve.abstain_band says where', async () => {
  const app = await service.app({ abstain: true });
  expect((await app.inject(formRequest(form()))).json()).toMatchObject({ prediction: 'UNSURE' });
  expect((await app.inject(formRequest(form(declined)))).json().prediction).toMatch(/REAL|FAKE/);
});

test('a model without a band answers 422 with what to do, and anything but true or false is refused', async () => {
  const app = await plain.app();
  expect((await app.inject(formRequest(form(asked)))).json()).toMatchObject({
    statusCode: 422,
    code: 'CROSSCHECK_INFERENCE_NO_BAND',
    message: expect.stringContaining('pnpm calibrate'),
  });
  const odd = await app.inject(formRequest(form({ name: 'abstain', value: 'maybe' })));
  expect(odd.json()).toMatchObject({ statusCode: 422, detail: [{ loc: ['body', 'abstain'] }] });
  expect((await app.inject(formRequest(form(declined)))).statusCode).toBe(200);
});

test('metrics and metadata say threshold, temperature and band', async () => {
  const metrics = (await (await service.app()).inject('/metrics')).body;
  expect(metrics).toContain('threshold="0.5",temperature="2",abstain_band="0 to 1"');
  expect((await (await plain.app()).inject('/metrics')).body).toContain('abstain_band=""');
  const { parameters } = (await (await service.app()).inject('/v2/models/Crosscheck')).json();
  expect(parameters).toMatchObject({ threshold: 0.5, temperature: 2, abstain_band: [0, 1] });
});
