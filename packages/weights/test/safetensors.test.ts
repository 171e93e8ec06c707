import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSafetensors, type TensorToWrite, writeSafetensors } from '../src/index.ts';
import { runPython } from './python-environment.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const file = (name: string): string => path.join(dir, name);

/** A file with any header text and data, well-formed or not. */
function rawFile(name: string, header: string, data: Uint8Array = new Uint8Array(0)): string {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  writeFileSync(file(name), Buffer.concat([length, Buffer.from(header), data]));
  return file(name);
}

const tensor = (name: string, values: number[], shape = [values.length]): TensorToWrite => ({
  name,
  dtype: 'F32',
  shape,
  data: new Float32Array(values),
});

async function readAll(name: string): Promise<Record<string, number[]>> {
  const opened = await openSafetensors(name);
  const entries: [string, number[]][] = [];
  for (const key of opened.tensors.keys()) entries.push([key, [...(await opened.read(key))]]);
  await opened.close();
  return Object.fromEntries(entries);
}

describe('a written file', () => {
  test('gives back names, shapes, values and metadata', async () => {
    const path = file('round-trip.safetensors');
    const steps = { name: 'steps', dtype: 'I64', shape: [], data: new BigInt64Array([7n]) } as const;
    await writeSafetensors(path, [tensor('a', [1, -2, 3.5, 0, 5, 6], [2, 3]), steps, tensor('empty', [], [0, 4])], {
      note: 'é"{',
    });
    const opened = await openSafetensors(path);
    expect(opened.metadata).toEqual({ note: 'é"{' });
    expect(opened.tensors.get('a')).toMatchObject({ name: 'a', dtype: 'F32', shape: [2, 3] });
    expect(opened.tensors.get('steps')).toMatchObject({ dtype: 'I64', shape: [] });
    await opened.close();
    expect(await readAll(path)).toEqual({ steps: [7], a: [1, -2, 3.5, 0, 5, 6], empty: [] });
  });

  test('has a header padded to 8 bytes and starts with the largest elements, so that every tensor is aligned', async () => {
    const path = file('aligned.safetensors');
    const byte = { name: 'byte', dtype: 'U8', shape: [3], data: new Uint8Array(3) } as const;
    const long = { name: 'long', dtype: 'I64', shape: [1], data: new BigInt64Array(1) } as const;
    await writeSafetensors(path, [byte, tensor('x', [1]), long]);
    const opened = await openSafetensors(path);
    expect(readFileSync(path).readBigUInt64LE() % 8n).toBe(0n);
    expect([...opened.tensors.keys()]).toEqual(['long', 'x', 'byte']);
    await opened.close();
  });

  test('asks for each tensor when its turn comes', async () => {
    const asked: string[] = [];
    const lazy = (name: string): TensorToWrite => ({
      ...tensor(name, [1]),
      data: async () => (asked.push(name), new Float32Array([asked.length])),
    });
    await writeSafetensors(file('lazy.safetensors'), [lazy('p'), lazy('q')]);
    expect(asked).toEqual(['p', 'q']);
    expect(await readAll(file('lazy.safetensors'))).toEqual({ p: [1], q: [2] });
  });

  test('gives the memory of what it asked for back at once, and leaves what it was given', async () => {
    const [asked, given] = [Float32Array.of(1, 2), Float32Array.of(3, 4)];
    const shape = [2];
    await writeSafetensors(file('memory.safetensors'), [
      { name: 'asked', dtype: 'F32', shape, data: () => asked },
      { name: 'part', dtype: 'F32', shape: [1], data: () => given.subarray(1) },
      { name: 'given', dtype: 'F32', shape, data: given },
    ]);
    expect([asked.byteLength, given.byteLength]).toEqual([0, 8]);
    expect(await readAll(file('memory.safetensors'))).toEqual({ asked: [1, 2], part: [4], given: [3, 4] });
  });

  test('refuses two tensors of one name and data that does not fit the shape', async () => {
    await expect(writeSafetensors(file('x'), [tensor('a', [1]), tensor('a', [2])])).rejects.toThrow('same name');
    await expect(writeSafetensors(file('x'), [tensor('a', [1, 2], [3])])).rejects.toThrow('needs 12 bytes, got 8');
  });
});

describe('a write that fails', () => {
  test('leaves the old file as it was and no temporary file when the data cannot be had', async () => {
    const folder = file('failing');
    const path = `${folder}/model.safetensors`;
    await writeSafetensors(path, [tensor('a', [1])]);
    const gone: TensorToWrite = { ...tensor('b', [1]), data: () => Promise.reject(new Error('tensor was disposed')) };
    await expect(writeSafetensors(path, [tensor('a', [2]), gone])).rejects.toThrow('tensor was disposed');
    expect(await readAll(path)).toEqual({ a: [1] });
    expect(readdirSync(folder)).toEqual(['model.safetensors']);
  });

  test('says so with a code when the folder is none', async () => {
    writeFileSync(file('plain-file'), '');
    const write = writeSafetensors(`${file('plain-file')}/model.safetensors`, [tensor('a', [1])]);
    await expect(write).rejects.toMatchObject({ code: 'CROSSCHECK_CHECKPOINT_WRITE_FAILED' });
    await expect(write).rejects.toThrow(/could not write .*plain-file\/model\.safetensors: .*choose a folder/);
  });

  test('leaves the old file as it was when the disk takes only a part of the new one', async () => {
    const folder = file('full');
    const path = `${folder}/model.safetensors`;
    await writeSafetensors(path, [tensor('a', [1])]);
    const script = `import { writeSafetensors } from '${repositoryRoot}/packages/weights/src/index.ts';
      await writeSafetensors(${JSON.stringify(path)}, [{ name: 'a', dtype: 'F32', shape: [1 << 20], data: new Float32Array(1 << 20) }])
        .catch((error) => process.stdout.write(error.code + ' ' + error.message));`;
    const node = `"${process.execPath}" --conditions=@crosscheck/source --input-type=module -e "$SCRIPT"`;
    // A limit on the size of a file makes write(2) stop half-way, as a full disk does.
    const printed = execFileSync('bash', ['-c', `ulimit -f 1024; ${node}`], {
      encoding: 'utf8',
      env: { ...process.env, SCRIPT: script },
    });
    expect(printed).toMatch(/^CROSSCHECK_CHECKPOINT_WRITE_FAILED could not write .*EFBIG/);
    expect(await readAll(path)).toEqual({ a: [1] });
    expect(readdirSync(folder)).toEqual(['model.safetensors']);
  });
});

describe('a damaged file is refused with its name and what is wrong', () => {
  const entry = (begin: number, end: number, shape = [(end - begin) / 4]): string =>
    JSON.stringify({ dtype: 'F32', shape, data_offsets: [begin, end] });
  const cases: [what: string, header: string, dataBytes: number, message: RegExp][] = [
    ['bad JSON', '{"a":', 0, /JSON/],
    ['no object', '[1]', 0, /not a JSON object/],
    ['overlapping tensors', `{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12, /"b" at 4–12 overlaps/],
    ['a hole', `{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12, /bytes 4–8 before tensor "b" belong to no tensor/],
    ['offsets behind the end', `{"a":${entry(0, 8)}}`, 4, /take 8 bytes, the file holds 4/],
    ['bytes behind the last tensor', `{"a":${entry(0, 8)}}`, 12, /take 8 bytes, the file holds 12/],
    [
      'a shape that does not fit',
      `{"a":${entry(0, 8, [3])}}`,
      8,
      /"a" of F32 \[3\] needs 12 bytes, its offsets 0–8 give 8/,
    ],
    ['a shape beyond counting', `{"a":${entry(0, 8, [2 ** 40, 2 ** 40])}}`, 8, /needs .* bytes/],
    ['a negative size', `{"a":${entry(0, 8, [-2])}}`, 8, /tensor "a": shape\.0/],
    ['an unknown dtype', '{"a":{"dtype":"F7","shape":[1],"data_offsets":[0,4]}}', 4, /tensor "a": dtype/],
    ['a name twice', `{"a":${entry(0, 4)}, "a" :${entry(0, 4)}}`, 4, /"a" stands in the header twice/],
    ['a name twice, spelled differently', `{"a":${entry(0, 4)},"\\u0061":${entry(0, 4)}}`, 4, /"a" stands .* twice/],
    [
      'a field twice',
      '{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}',
      4,
      /"dtype" stands .* twice/,
    ],
    ['metadata that is no text', '{"__metadata__":{"a":1}}', 0, /__metadata__: a/],
  ];
  test.each(cases)('%s', async (what, header, dataBytes, message) => {
    const path = rawFile(`${what}.safetensors`, header, new Uint8Array(dataBytes));
    await expect(openSafetensors(path)).rejects.toMatchObject({ code: 'CROSSCHECK_WEIGHTS_CORRUPT' });
    await expect(openSafetensors(path)).rejects.toThrow(message);
    await expect(openSafetensors(path)).rejects.toThrow(path);
  });

  test('a header longer than the file, and one longer than any', async () => {
    writeFileSync(file('long'), Buffer.from([50, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]));
    await expect(openSafetensors(file('long'))).rejects.toThrow('a header of 50 bytes in a file of 10');
    writeFileSync(file('huge'), Buffer.alloc(16, 0xff));
    await expect(openSafetensors(file('huge'))).rejects.toThrow('at most 100000000 are allowed');
    writeFileSync(file('short'), 'abc');
    await expect(openSafetensors(file('short'))).rejects.toThrow('it has 3');
  });

  test('one that is cut after it was opened', async () => {
    const path = file('cut.safetensors');
    await writeSafetensors(path, [tensor('a', [1, 2, 3, 4])]);
    const opened = await openSafetensors(path);
    writeFileSync(path, readFileSync(path).subarray(0, -4));
    await expect(opened.read('a')).rejects.toThrow('4 bytes too early');
    await opened.close();
  });

  test('quoted braces and escapes in metadata are no keys', async () => {
    const metadata = { a: '{"a":1,"a":2}', b: 'ends with a backslash \\', c: '"' };
    await writeSafetensors(file('quotes'), [tensor('t', [1])], metadata);
    const opened = await openSafetensors(file('quotes'));
    expect(opened.metadata).toEqual(metadata);
    await opened.close();
  });
});

test('a missing file, a folder and an unknown tensor name are told apart', async () => {
  mkdirSync(file('folder'));
  await expect(openSafetensors(file('absent'))).rejects.toMatchObject({ code: 'CROSSCHECK_WEIGHTS_NOT_FOUND' });
  await expect(openSafetensors(file('folder'))).rejects.toMatchObject({ code: 'CROSSCHECK_WEIGHTS_NOT_FOUND' });
  await writeSafetensors(file('one'), [tensor('a', [1])]);
  const opened = await openSafetensors(file('one'));
  await expect(opened.read('b')).rejects.toThrow(/expected a tensor "b" in .*one/);
  await opened.close();
});

describe('with Python (safetensors from PyPI)', () => {
  const requirements = ['safetensors==0.8.0', 'numpy==2.4.6', 'ml_dtypes==0.5.4'];
  const python = (code: string, ...args: string[]): Promise<string> =>
    runPython('safetensors', requirements, { code, args });

  test('Python reads what we write', async () => {
    const path = file('for-python.safetensors');
    const steps = { name: 'n', dtype: 'I64', shape: [], data: new BigInt64Array([-5n]) } as const;
    await writeSafetensors(path, [tensor('w', [1.5, -2, 1e-30, 4], [2, 2]), steps], { crosscheck: '{"é":1}' });
    const code = `import sys, json
from safetensors import safe_open
with safe_open(sys.argv[1], 'np') as f:
    print(json.dumps([f.metadata(), {k: [f.get_tensor(k).tolist(), str(f.get_tensor(k).dtype)] for k in f.keys()}]))`;
    const w = [[[1.5, -2], [Math.fround(1e-30), 4]], 'float32']; // biome-ignore format: a matrix
    expect(JSON.parse(await python(code, path))).toEqual([{ crosscheck: '{"é":1}' }, { n: [-5, 'int64'], w }]);
  });

  describe('we read what Python writes', () => {
    const path = file('from-python.safetensors');
    beforeAll(async () => {
      await python(
        `import sys, numpy as np, ml_dtypes
from safetensors.numpy import save_file
x = np.array([0.1, -1.5, 65504, 6e-8, 0, -0.0, np.inf], np.float64)
types = dict(F64=np.float64, F32=np.float32, F16=np.float16, BF16=ml_dtypes.bfloat16)
tensors = {name: x.astype(t) for name, t in types.items()}
tensors |= {name: np.array([[1, 2, 100]], t) for name, t in dict(I64=np.int64, I32=np.int32, I16=np.int16, I8=np.int8, U8=np.uint8).items()}
tensors['nan'] = np.array([np.nan], np.float16)
tensors['scalar'] = np.array(3, np.float32)
save_file(tensors, sys.argv[1], {'format': 'np'})`,
        path,
      );
    });

    test('in every dtype', async () => {
      const read = await readAll(path);
      const f32 = [0.1, -1.5, 65504, 6e-8, 0, -0, Number.POSITIVE_INFINITY].map(Math.fround);
      expect(read['F32']).toEqual(f32);
      expect(read['F64']).toEqual(f32);
      expect(read['F16']).toEqual([0.0999755859375, -1.5, 65504, 2 ** -24, 0, -0, Number.POSITIVE_INFINITY]);
      expect(read['BF16']?.slice(0, 3)).toEqual([0.10009765625, -1.5, 65536]);
      for (const name of ['I64', 'I32', 'I16', 'I8', 'U8']) expect(read[name]).toEqual([1, 2, 100]);
      expect(read['nan']).toEqual([Number.NaN]);
      expect(read['scalar']).toEqual([3]);
    });

    test('with shapes and metadata', async () => {
      const opened = await openSafetensors(path);
      expect(opened.metadata).toEqual({ format: 'np' });
      expect(opened.tensors.get('I32')?.shape).toEqual([1, 3]);
      expect(opened.tensors.get('scalar')?.shape).toEqual([]);
      await opened.close();
    });
  });
});
