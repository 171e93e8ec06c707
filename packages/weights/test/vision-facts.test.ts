import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { architectureSchema, defaultPreprocessing, type VisionBackbone } from '@crosscheck/contract';
import {
  elementCount,
  parameterNames,
  pixelScales,
  visionArchitectureOf,
  visionBackboneNames,
} from '@crosscheck/network';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { visionSchemes } from '../src/backbones/naming-schemes.ts';
import type { VisionChoice } from '../src/backbones/vision-facts.ts';
import { findVisionFacts, openVisionBackbone, writeCheckpoint, writeSafetensors } from '../src/index.ts';
import { type HubServer, startHub } from './hub-server.ts';

const { dir, remove } = temporaryFolder();
let hub: HubServer;
beforeAll(async () => {
  hub = await startHub();
});
afterAll(async () => {
  await hub.close();
  remove();
});
let home = 0;
beforeEach(() => {
  hub.files.clear();
  home++;
});

const symmetric = { padding: 'symmetric', batchNormEpsilon: 1e-5 };
const same = { padding: 'same', batchNormEpsilon: 1e-3 };
const { imagenet, half, tensorflowLite } = pixelScales;

const published = { stages: null, stem_channels: null, head_channels: null, squeeze_excite: null };
const find = (backbone: VisionBackbone, weights: string | null, more: Partial<VisionChoice> = {}) =>
  findVisionFacts({ backbone, pretrained: true, weights, revision: 'main', ...published, ...more }, options());
const options = () => ({
  variables: { HF_HOME: path.join(dir, `home-${home}`), HF_ENDPOINT: hub.endpoint },
  retrying: { attempts: 1, sleep: () => Promise.resolve() },
});

let files = 0;
/** Zeros of a backbone under a library's names. */
async function weightsOf(backbone: VisionBackbone, library: string, name = `${files++}.safetensors`): Promise<string> {
  const architecture = visionArchitectureOf(backbone);
  const scheme = visionSchemes(architecture).find((candidate) => candidate.library === library);
  const file = path.join(dir, name);
  mkdirSync(path.dirname(file), { recursive: true });
  const tensors = visionBackboneNames(architecture).filter(({ dtype }) => dtype === 'F32');
  await writeSafetensors(
    file,
    tensors.map(({ name: ours, shape }) => ({
      name: scheme?.theirName(ours) ?? '',
      dtype: 'F32',
      shape,
      data: () => new Float32Array(elementCount(shape)),
    })),
  );
  return file;
}

const serve = (id: string, config: object) => hub.files.set(`${id}/config.json`, Buffer.from(JSON.stringify(config)));

describe('how vision weights were trained is known', () => {
  test.each<[VisionBackbone, string, object, object]>([
    ['efficientnet_lite0', 'efficientnet-pytorch', same, tensorflowLite],
    ['efficientnet_b0', 'efficientnet-pytorch', same, imagenet],
    ['efficientnet_b1', 'torchvision', symmetric, imagenet],
    ['efficientnet_b0', "torchvision's features", symmetric, imagenet],
  ])('of a file with the names of a library: %s, %s', async (backbone, library, vision, pixels) => {
    const facts = await find(backbone, await weightsOf(backbone, library));
    expect(facts).toMatchObject({ vision, pixels, doubt: null });
    expect(facts.why).toContain(library);
  });

  test("of timm's on the Hub by its config.json, where nothing else of it is asked for", async () => {
    const pretrained_cfg = { mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] };
    serve('timm/eyes', { architecture: 'tf_efficientnet_lite0', pretrained_cfg });
    const facts = await find('efficientnet_lite0', 'timm/eyes');
    expect(facts).toMatchObject({ vision: same, pixels: pretrained_cfg, why: 'as config.json of timm/eyes says' });
    serve('timm/own', { architecture: 'efficientnet_lite0', pretrained_cfg: imagenet });
    expect(await find('efficientnet_lite0', 'timm/own')).toMatchObject({ vision: symmetric, pixels: imagenet });
    expect(hub.seen.every(({ path: asked }) => asked.endsWith('config.json'))).toBe(true);
  });

  test.each<[VisionBackbone, string, object, object]>([
    ['efficientnet_lite0', 'timm/tf_efficientnet_lite0.in1k', same, half],
    ['efficientnet_lite0', 'timm/efficientnet_lite0.ra_in1k', symmetric, imagenet],
    ['efficientnet_b0', 'timm/efficientnet_b0.ra_in1k', symmetric, imagenet],
    ['efficientnet_b1', 'timm/efficientnet_b1.ra4_e3600_r240_in1k', symmetric, half],
    ['efficientnet_b2', 'timm/tf_efficientnet_b2.ap_in1k', same, half],
    ['efficientnet_b2', 'timm/tf_efficientnet_b2.ns_jft_in1k', same, imagenet],
  ])("of timm's by its id, where the repository has no config.json: %s, %s", async (backbone, id, vision, pixels) => {
    hub.files.set(`${id}/model.safetensors`, Buffer.alloc(10));
    expect(await find(backbone, id)).toMatchObject({ vision, pixels, doubt: null });
  });

  test("of timm's in a file by config.json beside it, by its name, or in doubt", async () => {
    const named = await weightsOf('efficientnet_lite0', 'timm', 'tf_efficientnet_lite0-1.safetensors');
    expect(await find('efficientnet_lite0', named)).toMatchObject({ vision: same, pixels: half, doubt: null });
    const bare = await weightsOf('efficientnet_lite0', 'timm', 'timm/model.safetensors');
    const doubtful = await find('efficientnet_lite0', bare);
    expect(doubtful).toMatchObject({ vision: same, pixels: half });
    expect(doubtful.doubt).toContain('model.vision.padding=symmetric model.vision.batch_norm_epsilon=1e-5 data.mean=');
    writeFileSync(path.join(dir, 'timm/config.json'), JSON.stringify({ architecture: 'efficientnet_lite0' }));
    expect(await find('efficientnet_lite0', bare)).toMatchObject({ vision: symmetric, pixels: imagenet, doubt: null });
  });

  test('of a checkpoint of ours by its own word', async () => {
    const architecture = architectureSchema.parse({
      vision: { ...visionArchitectureOf('efficientnet_lite0'), padding: 'symmetric', batchNormEpsilon: 0.5 },
      text: { vocabSize: 5, maxPositions: 5, hiddenSize: 4, layers: 1, heads: 1, feedForwardSize: 4 },
    });
    const file = path.join(dir, 'ours.safetensors');
    await writeCheckpoint(file, {
      tensors: parameterNames(architecture).map(({ name, shape, dtype }) => ({
        name,
        shape,
        dtype,
        data: () => (dtype === 'F32' ? new Float32Array(elementCount(shape)) : new BigInt64Array(1)),
      })),
      metadata: {
        formatVersion: 1,
        version: '1',
        createdAt: '2026-01-01T00:00:00Z',
        labels: { 0: 'REAL', 1: 'FAKE' },
        preprocessing: { ...defaultPreprocessing, mean: [0.1, 0.1, 0.1], std: [0.2, 0.2, 0.2] },
        architecture,
        threshold: 0.5,
        temperature: 1,
        metrics: {},
        tokenizer: null,
        config: null,
        configOrigins: {},
        runId: null,
        epoch: null,
        step: null,
      },
    });
    expect(await find('efficientnet_lite0', file)).toMatchObject({
      vision: { padding: 'symmetric', batchNormEpsilon: 0.5 },
      pixels: { mean: [0.1, 0.1, 0.1], std: [0.2, 0.2, 0.2] },
    });
  });

  test('of random weights by the backbone alone', async () => {
    for (const choice of [find('efficientnet_lite3', null), find('efficientnet_lite3', 'x', { pretrained: false })])
      expect(await choice).toMatchObject({ vision: same, pixels: tensorflowLite, doubt: null });
  });
});

describe('weights of another backbone are refused with what they are', () => {
  test.each(['timm/tf_efficientnet_lite0.in1k', 'timm/efficientnet_b1.ra4_e3600_r240_in1k'])(
    'by their id: %s',
    async (id) => {
      hub.files.set(`${id}/model.safetensors`, Buffer.alloc(10));
      const is = id.includes('lite0') ? 'efficientnet_lite0' : 'efficientnet_b1';
      await expect(find('efficientnet_b0', id)).rejects.toMatchObject({
        code: 'CROSSCHECK_WEIGHTS_MISMATCH',
        message: expect.stringContaining(`set model.vision.backbone=${is}, or`),
      });
    },
  );

  test('by their config.json, when there is no such backbone', async () => {
    serve('timm/resnet', { architecture: 'resnet50' });
    await expect(find('efficientnet_b0', 'timm/resnet')).rejects.toThrow(/got resnet50 .* one of efficientnet_b0, eff/);
  });

  test.each<[VisionBackbone, VisionBackbone, string]>([
    ['efficientnet_b0', 'efficientnet_lite0', 'efficientnet-pytorch'],
    ['efficientnet_lite0', 'efficientnet_b0', 'torchvision'],
    ['efficientnet_b0', 'efficientnet_b1', 'timm'],
    ['efficientnet_b1', 'efficientnet_b0', 'timm'],
    ['efficientnet_lite1', 'efficientnet_lite4', 'timm'],
  ])('by their tensors: %s wanted, %s got', async (wanted, got, library) => {
    const file = await weightsOf(got, library);
    await expect(find(wanted, file)).rejects.toThrow(`got ${got} (${file}); set model.vision.backbone=${got}, or `);
    const opened = openVisionBackbone(file, visionArchitectureOf(wanted));
    await expect(opened).rejects.toMatchObject({
      code: 'CROSSCHECK_WEIGHTS_MISMATCH',
      message: expect.stringContaining(
        `The file looks like ${got} with ${library}'s names: set model.vision.backbone=${got}, `,
      ),
    });
  });
});
