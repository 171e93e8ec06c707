import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom, isCrosscheckError } from '@crosscheck/contract';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { openCheckpoint, openPth } from '../src/index.ts';
import { readPickle } from '../src/pth/pickle.ts';
import { storageOf } from '../src/pth/pickle-globals.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const fixture = (name: string): string => path.join(import.meta.dirname, 'fixtures/pth', name);

interface Expected {
  tensors: Record<string, { shape: number[]; values: number[] }>;
}
const expected = (JSON.parse(readFileSync(fixture('state-dict.json'), 'utf8')) as Expected).tensors;

async function readAll(name: string): Promise<Expected['tensors']> {
  const file = await openPth(name);
  const tensors: Expected['tensors'] = {};
  for (const [key, { shape }] of file.tensors)
    tensors[key] = { shape: [...shape], values: [...(await file.read(key))] };
  await file.close();
  return tensors;
}

/** A fixture with some of its bytes changed. */
function damaged(name: string, change: (bytes: Buffer) => Buffer): string {
  const target = path.join(dir, `${name}-${Math.random()}.pth`);
  writeFileSync(target, change(readFileSync(fixture(name))));
  return target;
}

function overwrite(at: (bytes: Buffer) => number, text: string): (bytes: Buffer) => Buffer {
  return (bytes) => {
    bytes.write(text, at(bytes), 'latin1');
    return bytes;
  };
}

describe('a state dict saved by PyTorch gives every dtype, view and shape', () => {
  test.each([
    ['in a zip archive', 'state-dict.pth'],
    ['with pickle protocol 4', 'protocol-4.pth'],
    ['in the layout before PyTorch 1.6', 'before-1.6.pth'],
  ])('%s', async (_, name) => {
    expect(await readAll(fixture(name))).toEqual(expected);
  });
});

describe("a checkpoint of the original's trainer", () => {
  test('opens in spite of its optimizer state and OmegaConf config', async () => {
    const file = await openPth(fixture('original.pth'));
    expect([...file.tensors.keys()]).toEqual([
      'fusion.6.weight',
      'fusion.6.bias',
      'norm.weight',
      'norm.bias',
      'norm.running_mean',
      'norm.running_var',
      'norm.num_batches_tracked',
    ]);
    expect(file.tensors.get('norm.num_batches_tracked')).toMatchObject({ dtype: 'I64', shape: [] });
    expect(file.scalars).toEqual({ epoch: 4, val_loss: 0.411, val_accuracy: 0.842 });
    await file.close();
  });

  test('reads as it is, and negated when its probability is of REAL', async () => {
    const read = async (positiveClass: 'real' | 'fake'): Promise<number[]> => {
      const checkpoint = await openCheckpoint(fixture('original.pth'), { positiveClass });
      const values = [];
      for (const name of ['fusion.6.weight', 'fusion.6.bias', 'norm.weight'])
        values.push(...(await checkpoint.read(name)));
      expect(checkpoint.metadata).toBeNull();
      await checkpoint.close();
      return values;
    };
    const [w0 = 0, w1 = 0, b = 0, ...norm] = await read('fake');
    expect(norm).toEqual([1, 1]);
    expect([w0, w1, b].every((value) => value !== 0)).toBe(true);
    expect(await read('real')).toEqual([-w0, -w1, -b, 1, 1]);
  });
});

describe('refused', () => {
  test('a whole module, which only its own code could load', async () => {
    const opening = openPth(fixture('whole-module.pth'));
    await expect(opening).rejects.toMatchObject({ code: 'CROSSCHECK_PICKLE_REFUSED' });
    await expect(opening).rejects.toThrow(
      /whole-module\.pth needs the global torch\.nn\.modules\.linear\.Linear at byte \d+.*state_dict\(\) alone/,
    );
  });

  test('a file without a state dict', async () => {
    await expect(openPth(fixture('not-tensors.pth'))).rejects.toThrow(/expected a state dict, .* got epoch, names/);
  });

  const inDirectory = (name: string) => (bytes: Buffer) => bytes.lastIndexOf(name) - 46;
  const cases: [what: string, change: (bytes: Buffer) => Buffer, message: RegExp][] = [
    ['a cut archive', (bytes) => bytes.subarray(0, 3000), /the end of a zip archive is missing/],
    [
      'a changed pickle',
      overwrite((b) => b.indexOf('contiguous'), 'CONTIGUOUS'),
      /data\.pkl does not match its CRC-32/,
    ],
    ['big-endian storages', overwrite((b) => b.indexOf('little'), 'bigger'), /byteorder does not match/],
    [
      'a compressed entry',
      overwrite((b) => inDirectory('state-dict/data.pkl')(b) + 10, '\x08\x00'),
      /data\.pkl is compressed \(method 8\)/,
    ],
    [
      'an encrypted entry',
      overwrite((b) => inDirectory('state-dict/data.pkl')(b) + 8, '\x01\x00'),
      /data\.pkl is encrypted/,
    ],
    [
      'overlapping entries',
      overwrite((b) => inDirectory('state-dict/version')(b) + 42, '\x08\0\0\0'),
      /reaches into the entry after it/,
    ],
    [
      'an entry twice',
      overwrite((b) => b.lastIndexOf('state-dict/data/2'), 'state-dict/data/1'),
      /stands in the directory twice/,
    ],
    [
      'a damaged directory',
      overwrite((b) => inDirectory('state-dict/data.pkl')(b), 'XX'),
      /directory entry is damaged/,
    ],
  ];
  test.each(cases)('%s', async (_, change, message) => {
    const opening = openPth(damaged('state-dict.pth', change));
    await expect(opening).rejects.toMatchObject({ code: 'CROSSCHECK_WEIGHTS_CORRUPT' });
    await expect(opening).rejects.toThrow(message);
  });

  test('a storage shorter than the pickle promises, or not there', async () => {
    const rename = overwrite((b) => b.lastIndexOf('state-dict/data/2'), 'state-dict/data/x');
    await expect(openPth(damaged('state-dict.pth', rename))).rejects.toThrow('storage 2 is not in the archive');
  });

  test('an entry whose own header leads into the next one', async () => {
    const at = (b: Buffer) => b.indexOf('state-dict/data.pkl') - 30 + 28;
    await expect(openPth(damaged('state-dict.pth', overwrite(at, '\xff\x0f')))).rejects.toThrow(
      'data.pkl reaches into what follows it',
    );
  });

  test('a damaged storage, when it is read', async () => {
    const flip = (bytes: Buffer): Buffer => {
      const at = bytes.indexOf(Buffer.from(new Float32Array([22, 23]).buffer));
      bytes.writeUInt8(7, at);
      return bytes;
    };
    const file = await openPth(damaged('state-dict.pth', flip));
    await expect(file.read('contiguous')).rejects.toThrow(/data\/0 does not match its CRC-32/);
    await file.close();
  });

  test('a cut file of the older layout', async () => {
    await expect(openPth(damaged('before-1.6.pth', (bytes) => bytes.subarray(0, -1)))).rejects.toThrow(
      /the storages need \d+ bytes/,
    );
    await expect(openPth(damaged('before-1.6.pth', (bytes) => bytes.subarray(0, 300)))).rejects.toThrow(
      /the pickle ends within/,
    );
  });

  test('a pickle that torch.save did not make', async () => {
    const target = path.join(dir, 'plain.pth');
    writeFileSync(
      target,
      Buffer.from('\x80\x02K\x01.\x80\x02K\x01.\x80\x02K\x01.\x80\x02K\x01.\x80\x02K\x01.', 'latin1'),
    );
    await expect(openPth(target)).rejects.toThrow('this pickle was not made by torch.save');
  });
});

describe('thousands of damaged pickles give data or one of our errors, never anything else', () => {
  const pickle = (): Uint8Array => {
    const bytes = readFileSync(fixture('before-1.6.pth'));
    return Uint8Array.from(bytes.subarray(0, bytes.indexOf('Storage') + 400));
  };

  test.each(['one byte', 'three bytes', 'cut'])('%s', (kind) => {
    const random = createRandom(1, kind);
    const codes = new Set<string>();
    for (let round = 0; round < 3000; round++) {
      const bytes = pickle();
      for (let i = kind === 'three bytes' ? 3 : 1; i > 0; i--) bytes[random.int(bytes.length)] = random.int(256);
      codes.add(outcome(kind === 'cut' ? bytes.subarray(0, random.int(bytes.length)) : bytes, random.int(60)));
    }
    expect([...codes].toSorted()).toEqual(['CROSSCHECK_PICKLE_REFUSED', 'CROSSCHECK_WEIGHTS_CORRUPT', 'data']);
  });

  function outcome(bytes: Uint8Array, start: number): string {
    try {
      readPickle(bytes, { path: 'x', start, loadPersistent: storageOf });
      return 'data';
    } catch (error) {
      return isCrosscheckError(error) ? error.code : String(error);
    }
  }
});
