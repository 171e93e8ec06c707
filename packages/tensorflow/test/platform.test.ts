import { readdirSync, readFileSync } from 'node:fs';
import { userCacheFolder } from '@crosscheck/files';
import { describe, expect, test } from 'vitest';
import { parseCudaRequirements, pinned } from '../src/setup/cuda-libraries.ts';
import { chooseFlavor, findWheel, type Machine, runtimeLayout, wheels } from '../src/setup/platform.ts';

const machine = (platform: string, arch: string, hasNvidiaDriver = false): Machine => ({
  platform,
  arch,
  hasNvidiaDriver,
});

describe('chooseFlavor', () => {
  test.each([
    ['auto', machine('linux', 'x64'), 'cpu'],
    ['auto', machine('linux', 'x64', true), 'cuda'],
    ['auto', machine('linux', 'arm64', true), 'cpu'],
    ['auto', machine('darwin', 'arm64'), 'cpu'],
    ['cuda', machine('linux', 'x64'), 'cuda'],
    ['cpu', machine('linux', 'x64', true), 'cpu'],
  ] as const)('takes %s on %o to be %s', (wanted, on, expected) => {
    expect(chooseFlavor(wanted, on)).toBe(expected);
  });

  test('names the flavors that exist', () => {
    expect(() => chooseFlavor('gpu')).toThrow(
      expect.objectContaining({ code: 'CROSSCHECK_TENSORFLOW_UNKNOWN_FLAVOR' }),
    );
    expect(() => chooseFlavor('gpu')).toThrow(/auto, cpu or cuda, got "gpu"/);
  });
});

describe('findWheel', () => {
  test.each([
    ['cpu', machine('linux', 'x64'), 'tensorflow-cpu', 'manylinux_2_17_x86_64'],
    ['cuda', machine('linux', 'x64'), 'tensorflow', 'manylinux_2_17_x86_64'],
    ['cpu', machine('linux', 'arm64'), 'tensorflow', 'manylinux_2_17_aarch64'],
    ['cpu', machine('darwin', 'arm64'), 'tensorflow', 'macosx_12_0_arm64'],
  ] as const)('maps %s on %o to %s for %s', (flavor, on, project, platformTag) => {
    expect(findWheel(flavor, on)).toMatchObject({ project, platformTag });
  });

  test('says which platforms have a wheel when this one has none', () => {
    const search = () => findWheel('cpu', machine('win32', 'x64'));
    expect(search).toThrow(expect.objectContaining({ code: 'CROSSCHECK_TENSORFLOW_PLATFORM' }));
    expect(search).toThrow(/win32-x64; known: linux-x64-cpu, linux-x64-cuda/);
  });

  test('knows a sha256 for every wheel', () => {
    for (const wheel of Object.values(wheels)) expect(wheel.sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});

test('keeps the runtime where the user asks, else in the XDG cache folder', () => {
  expect(userCacheFolder({ CROSSCHECK_CACHE: '/opt/cc' })).toBe('/opt/cc');
  expect(userCacheFolder({ XDG_CACHE_HOME: '/var/cache/me' })).toBe('/var/cache/me/crosscheck');
  expect(userCacheFolder({})).toMatch(/\.cache\/crosscheck$/);
});

test('reads the CUDA wheels that TensorFlow names in its own metadata', () => {
  const metadata = [
    'Requires-Dist: numpy <2.1.0,>=1.26.0',
    "Requires-Dist: nvidia-cublas-cu12 ==12.5.3.2 ; extra == 'and-cuda'",
    'Requires-Dist: nvidia-cudnn-cu12 (==9.3.0.75) ; extra == "and-cuda"',
    "Requires-Dist: tensorboard ==2.18 ; extra == 'other'",
  ].join('\n');
  expect(parseCudaRequirements(metadata)).toEqual(['nvidia-cublas-cu12==12.5.3.2', 'nvidia-cudnn-cu12==9.3.0.75']);
});

describe('CUDA libraries', () => {
  test('that the pinned TensorFlow names have a hash, every one', () => {
    const { root } = runtimeLayout('cpu');
    const info = readdirSync(root).find((name) => name.endsWith('.dist-info')) as string;
    const requirements = parseCudaRequirements(readFileSync(`${root}/${info}/METADATA`, 'utf8'));
    expect(requirements.length).toBeGreaterThan(10);
    const { lines, isHashed } = pinned(requirements, false);
    expect(isHashed).toBe(true);
    expect(lines).toHaveLength(requirements.length);
    for (const line of lines) expect(line).toMatch(/^nvidia-[\w-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}$/);
  });

  test('of other versions are refused, unless the user brought the wheel that names them', () => {
    const other = ['nvidia-cublas-cu12==12.5.3.2', 'nvidia-cudnn-cu12==9.9.9.9'];
    const refusal = { code: 'CROSSCHECK_TENSORFLOW_DOWNLOAD', message: expect.stringContaining('9.9.9.9') };
    expect(() => pinned(other, false)).toThrow(expect.objectContaining(refusal));
    expect(() => pinned([], true)).toThrow(expect.objectContaining({ code: 'CROSSCHECK_TENSORFLOW_DOWNLOAD' }));
    expect(pinned(other, true)).toEqual({ lines: other, isHashed: false });
  });
});
