import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { picture, tinyService } from './tiny-service.ts';

const run = promisify(execFile);
const service = tinyService();
const folder = temporaryFolder();
let url: string;
beforeAll(async () => {
  writeFileSync(`${folder.dir}/picture.png`, picture);
  url = await (await service.app()).listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => folder.remove());

async function python(name: string, requirements: string[], script: string): Promise<Record<string, unknown>> {
  const env = `${repositoryRoot}/scripts/python-env.mjs`;
  const { stdout: interpreter } = await run(process.execPath, [env, name, ...requirements]);
  const { stdout } = await run(interpreter.trim(), ['-c', script, url, `${folder.dir}/picture.png`]);
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as Record<string, unknown>;
}

const verdicts = async () => {
  const post = (text: string) => ({ text, image: picture });
  return service.classifier.classify([post('a flood'), post('naïve')]);
};

const triton = `
import json, sys
import numpy as np
import tritonclient.http as triton
url, file = sys.argv[1:]
client = triton.InferenceServerClient(url.replace('http://', ''))
picture = open(file, 'rb').read()
texts = np.array(['a flood', 'naïve'], dtype=object)

def tensor(name, values, datatype='BYTES', **how):
    made = triton.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, **how)
    return made

def infer(text, image, outputs=None, **more):
    return client.infer('Crosscheck', [text, image], outputs=outputs, **more)

def refused(*arguments, **more):
    try:
        infer(*arguments, **more)
    except triton.InferenceServerException as error:
        return [error.status(), error.message()]

pictures = np.array([picture, picture], dtype=object)
text, image = tensor('text', texts), tensor('image', pictures)
binary = infer(text, image, request_id='42')
column = infer(tensor('text', texts.reshape(2, 1)), tensor('image', pictures.reshape(2, 1)))
as_json = infer(tensor('text', texts[:1], binary_data=False),
    tensor('image', np.frombuffer(picture, dtype=np.uint8), 'UINT8', binary_data=False),
    outputs=[triton.InferRequestedOutput('logit', binary_data=False), triton.InferRequestedOutput('prediction')])
files = np.stack([np.frombuffer(picture, dtype=np.uint8)] * 2)
uint8 = infer(text, tensor('image', files, 'UINT8'))
print(json.dumps({
    'ready': [client.is_server_live(), client.is_server_ready(), client.is_model_ready('Crosscheck'),
              client.is_model_ready('Crosscheck', 'tiny'), client.is_model_ready('other')],
    'server': client.get_server_metadata(), 'model': client.get_model_metadata('Crosscheck')['name'],
    'id': binary.get_response()['id'], 'logits': binary.as_numpy('logit').tolist(),
    'labels': binary.as_numpy('label_id').tolist(), 'kind': str(binary.as_numpy('label_id').dtype),
    'predictions': [word.decode() for word in binary.as_numpy('prediction')],
    'column': column.as_numpy('logit').tolist(), 'uint8': uint8.as_numpy('logit').tolist(),
    'json': as_json.as_numpy('logit').tolist(), 'names': [o['name'] for o in as_json.get_response()['outputs']],
    'async': client.async_infer('Crosscheck', [text, image]).get_result().as_numpy('logit').tolist(),
    'unknown': refused(text, image, outputs=[triton.InferRequestedOutput('label')]),
    'broken': refused(text, tensor('image', np.array([b'notes', b'notes'], dtype=object))),
}))`;

test('the real tritonclient infers in binary and in JSON, with images as BYTES and as UINT8', async () => {
  const answer = await python('tritonclient', ['tritonclient[http]==2.73.0'], triton);
  const expected = await verdicts();
  const logits = expected.map(({ logit }) => expect.closeTo(logit, 5));
  expect(answer).toMatchObject({
    ready: [true, true, true, true, false],
    server: {
      name: 'crosscheck',
      extensions: ['binary_tensor_data'],
    },
    model: 'Crosscheck',
    id: '42',
    kind: 'int64',
    labels: expected.map(({ labelId }) => labelId),
    predictions: expected.map(({ prediction }) => prediction),
    logits,
    column: logits,
    uint8: logits,
    async: logits,
    json: logits.slice(0, 1),
    names: ['logit', 'prediction'],
    unknown: ['400', expect.stringContaining('no output "label"')],
    broken: ['415', expect.stringContaining('expected JPEG')],
  });
}, 600_000);

const kserve = `
import asyncio, base64, json, sys
import httpx, numpy as np
from kserve import InferInput, InferRequest, InferenceRESTClient, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
url, file = sys.argv[1:]
picture = open(file, 'rb').read()

def request(binary, outputs=None, **more):
    made = []
    for name, values in [('text', ['a flood', 'naïve']), ('image', [picture if binary else base64.b64encode(picture).decode()] * 2)]:
        tensor = InferInput(name=name, shape=[2], datatype='BYTES')
        tensor.set_data_from_numpy(np.array(values, dtype=object), binary_data=binary)
        made.append(tensor)
    return InferRequest(model_name='Crosscheck', infer_inputs=made, request_outputs=outputs, request_id='7', **more)

async def main():
    client = InferenceRESTClient(RESTConfig(protocol='v2', retries=0))
    infer = lambda asked: client.infer(url, asked, model_name='Crosscheck')
    plain, binary = await infer(request(False)), await infer(request(True, parameters={'binary_data_output': True}))
    try:
        await infer(request(True, [RequestedOutput('label')]))
        refused = None
    except httpx.HTTPStatusError as error:
        refused = str(error)
    logits = lambda answer: answer.get_output_by_name('logit').as_numpy().tolist()
    print(json.dumps({'plain': logits(plain), 'binary': logits(binary), 'id': binary.id, 'refused': refused,
        'some': [o.name for o in (await infer(request(True, [RequestedOutput('label_id', {'binary_data': True})]))).outputs],
        'ready': [await client.is_server_ready(url), await client.is_server_live(url),
                  await client.is_model_ready(url, 'Crosscheck'), await client.is_model_ready(url, 'other')]}))

asyncio.run(main())`;

test('KServe’s own client infers in both forms, and reads why it was refused', async () => {
  const answer = await python('kserve', ['kserve==0.21.0'], kserve);
  const logits = (await verdicts()).map(({ logit }) => expect.closeTo(logit, 5));
  expect(answer).toEqual({
    plain: logits,
    binary: logits,
    id: '7',
    some: ['label_id'],
    ready: [true, true, true, false],
    refused: expect.stringContaining('The model has no output "label"'),
  });
}, 600_000);
