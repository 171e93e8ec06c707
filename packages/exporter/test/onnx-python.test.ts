import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { openOnnxSession } from '@crosscheck/inference';
import { expectClose, repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinyPreprocessing, writeTinyArtifact } from './tiny-artifact.ts';

const run = promisify(execFile);
const folder = temporaryFolder();
let python: string;
beforeAll(async () => {
  const script = `${repositoryRoot}/scripts/python-env.mjs`;
  const { stdout } = await run(process.execPath, [
    script,
    'onnx',
    'onnx==1.23.2',
    'onnxruntime==1.30.0',
    'numpy>=1.26',
  ]);
  python = stdout.trim();
}, 600_000);
afterAll(() => folder.remove());

const [size, length] = [3, 9];
const inputs = {
  size,
  length,
  image: Float32Array.from({ length: size * 3 * 32 * 32 }, (_, i) => Math.sin(i / 7)),
  inputIds: Int32Array.from({ length: size * length }, (_, i) => (i * 13) % 64),
  attentionMask: Int32Array.from({ length: size * length }, (_, i) =>
    i % length < 4 + 2 * Math.floor(i / length) ? 1 : 0,
  ),
};

// Checks the model with shape inference, then runs it on inputs.json and prints what a viewer would show.
const script = `
import json, sys, numpy as np, onnx, onnxruntime
folder = sys.argv[1]
path = folder + '/multimodal_model.onnx'
onnx.checker.check_model(path, full_check=True)
model = onnx.load(path, load_external_data=False)
i = json.load(open(folder + '/inputs.json'))
b, l = i['size'], i['length']
session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
logits = session.run(['logits'], {
    'image': np.array(i['image'], dtype=np.float32).reshape(b, 3, 32, 32),
    'input_ids': np.array(i['inputIds'], dtype=np.int64).reshape(b, l),
    'attention_mask': np.array(i['attentionMask'], dtype=np.int64).reshape(b, l)})[0]
shape = lambda v: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim]
external = [t for t in model.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
offsets = [int(e.value) for t in external for e in t.external_data if e.key == 'offset']
print(json.dumps({
    'logits': logits.ravel().tolist(), 'shape': list(logits.shape),
    'opset': model.opset_import[0].version, 'ir': model.ir_version,
    'interface': {v.name: shape(v) for v in list(model.graph.input) + list(model.graph.output)},
    'metadata': {p.key: p.value for p in model.metadata_props},
    'aligned': all(o % 4096 == 0 for o in offsets), 'external': len(external),
    'ops': sorted({n.op_type for n in model.graph.node}), 'domains': sorted({n.domain for n in model.graph.node}),
    'nodes': [n.name for n in model.graph.node]}))
`;

/** What Python's onnx and onnxruntime see in the folder. */
async function runInPython(dir: string) {
  const plain = {
    ...inputs,
    image: [...inputs.image],
    inputIds: [...inputs.inputIds],
    attentionMask: [...inputs.attentionMask],
  };
  writeFileSync(`${dir}/inputs.json`, JSON.stringify(plain));
  return JSON.parse((await run(python, ['-c', script, dir])).stdout);
}

async function judge(dir: string): Promise<Float32Array> {
  const session = await openOnnxSession(`${dir}/multimodal_model.onnx`, {
    threads: 1,
    preprocessing: tinyPreprocessing,
  });
  const logits = await session.run(inputs);
  await session.close();
  return logits;
}

test.each([
  [18, 8],
  [20, 9],
  [22, 10],
  [23, 11],
])('opset %i passes onnx.checker in full and Python onnxruntime gives our logits', async (opset, ir) => {
  const dir = `${folder.dir}/${opset}`;
  mkdirSync(dir);
  await writeTinyArtifact(dir, { opset });
  const seen = await runInPython(dir);
  const logits = await judge(dir);

  expectClose(seen.logits, logits, { maxAbs: 1e-6 });
  expect(new Set(logits).size).toBe(size);
  expect(seen).toMatchObject({ opset, ir, shape: [size, 1], aligned: true, domains: [''] });
  expect(seen.interface).toEqual({
    image: ['batch', 3, 32, 32],
    input_ids: ['batch', 'tokens'],
    attention_mask: ['batch', 'tokens'],
    logits: ['batch', 1],
  });
  expect(seen.metadata).toMatchObject({ labels: '{"0":"REAL","1":"FAKE"}', image_size: '32', threshold: '0.5' });
  expect(seen.ops).not.toContain('BatchNormalization');
  expect(seen.nodes).toContain('vision/features.2.0/depthwise/Conv');
});

test('padding changes nothing: a post alone equals the post in a padded batch', async () => {
  await writeTinyArtifact(folder.dir);
  const session = await openOnnxSession(`${folder.dir}/multimodal_model.onnx`, {
    threads: 1,
    preprocessing: tinyPreprocessing,
  });
  const together = await session.run(inputs);
  const tokens = 4; // of the first row
  const alone = await session.run({
    size: 1,
    length: tokens,
    image: inputs.image.subarray(0, 3 * 32 * 32),
    inputIds: inputs.inputIds.subarray(0, tokens),
    attentionMask: inputs.attentionMask.subarray(0, tokens),
  });
  await session.close();
  expect(alone[0]).toBeCloseTo(together[0] as number, 6);
});

test('the weights file is the exact sum of its tensors, page-aligned', () => {
  const data = readFileSync(`${folder.dir}/18/multimodal_model.onnx.data`);
  const graph = readFileSync(`${folder.dir}/18/multimodal_model.onnx`);
  expect(data.length).toBeGreaterThan(100_000);
  expect(graph.length).toBeLessThan(60_000);
});

test.each([18, 23])(
  "with onnxruntime's own operators a graph of opset %i is shorter and judges alike",
  async (opset) => {
    const [plain, fused] = [`${folder.dir}/plain-${opset}`, `${folder.dir}/fused-${opset}`];
    for (const dir of [plain, fused]) mkdirSync(dir);
    await writeTinyArtifact(plain, { opset });
    await writeTinyArtifact(fused, { opset, operators: 'onnxruntime' });
    const [seen, standard] = [await runInPython(fused), await runInPython(plain)];
    expectClose(seen.logits, standard.logits, { maxAbs: 1e-5 });
    expectClose(await judge(fused), seen.logits, { maxAbs: 1e-6 });
    expect(seen.domains).toEqual(['', 'com.microsoft']);
    expect(seen.ops).toEqual(expect.arrayContaining(['MultiHeadAttention', 'QuickGelu', 'Gelu', 'LayerNormalization']));
    expect(seen.ops).not.toContain('Softmax');
    expect(seen.nodes.length).toBeLessThan(0.8 * standard.nodes.length);
  },
);
