import { readFileSync } from 'node:fs';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { createRandom, type Random } from '@crosscheck/contract';
import { repositoryRoot } from '@crosscheck/testkit';
import { encodePng } from '../../exporter/test/tiny-artifact.ts';
import { boundary, formBody, formType, postForm } from './forms.ts';
import type { Sent } from './spawned-service.ts';

const png = Buffer.from(encodePng(40, 30, (x, y) => [x * 6, y * 8, 99]));

/** Whole pictures of every type whose end can be told. */
const pictures = [
  png,
  ...['photo.jpg', 'animated.gif', 'lossy.webp', '444.avif'].map((name) =>
    readFileSync(`${repositoryRoot}/packages/preprocess/test/golden/pixels/${name}`),
  ),
];

const appended = ['PK\x03\x04', '%PDF-1.7\n', '<script>', '<?php ', '\x7fELF', '\r\n<!DOCTYPE html>', '#!/bin/sh\n'];

const latin = (text: string) => Buffer.from(text, 'latin1');

/** First bytes of every type that is accepted. */
const signatures = [
  latin('\xff\xd8\xff\xe0\0\x10JFIF\0'),
  latin('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'),
  latin('GIF89a'),
  latin('RIFF\xff\xff\0\0WEBPVP8 '),
  latin('II*\0\x08\0\0\0'),
  latin('MM\0*\0\0\0\x08'),
  latin('\0\0\0\x20ftypavif\0\0\0\0avifmif1'),
];

const strangers = [
  '%PDF-1.7\n',
  'PK\x03\x04',
  '\x7fELF',
  '<svg xmlns="http://www.w3.org/2000/svg">',
  '<!DOCTYPE html>',
  'BM',
  '\0\0\x01\0',
  '#!/bin/sh\n',
];

const paths = [
  '../../../../etc/passwd',
  '..\\..\\boot.ini',
  '/etc/shadow',
  'C:\\con',
  'a/../../b',
  '.',
  '\u202egpj.exe',
  '%2e%2e%2f',
  '~root',
  'nul\0.jpg',
];

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.int(256)));
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.int(items.length)] as T;
}

/** Headers that announce far more pixels than allowed. */
function pixelBomb(random: Random): Buffer {
  const side = 12_000 + random.int(50_000);
  const bombs: (() => Buffer)[] = [
    () => {
      const bytes = Buffer.from(png);
      bytes.writeUInt32BE(side, 16);
      bytes.writeUInt32BE(side, 20);
      return bytes;
    },
    () => {
      const bytes = Buffer.concat([latin('GIF89a'), Buffer.alloc(7), latin(',\0\0\0\0'), Buffer.alloc(60)]);
      bytes.writeUInt16LE(side, 6);
      bytes.writeUInt16LE(side, 8);
      bytes.writeUInt16LE(side, 18);
      bytes.writeUInt16LE(side, 20);
      return bytes;
    },
    () => {
      const size = Buffer.alloc(4);
      size.writeUInt16BE(side, 0);
      size.writeUInt16BE(side, 2);
      return Buffer.concat([
        latin('\xff\xd8\xff\xc0\0\x11\x08'),
        size,
        latin('\x03\x01"\0\x02\x11\x01\x03\x11\x01\xff\xda'),
        Buffer.alloc(40),
      ]);
    },
  ];
  return pick(random, bombs)();
}

type Make = (random: Random) => Sent;

const form = (body: Uint8Array): Sent => ({
  path: '/predict',
  method: 'POST',
  headers: { 'content-type': formType },
  body,
});
const infer = (body: string | Buffer): Sent => ({
  path: '/v2/models/Crosscheck/infer',
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body,
});

/** Every way of being wrong, each with endless variations. */
export const generators: Record<string, Make> = {
  'a form that is cut': (random) => {
    const whole = postForm('a flood', png);
    return form(whole.subarray(0, random.int(whole.length - 4)));
  },
  'a form with damaged bytes in its frame': (random) => {
    const whole = Buffer.from(postForm('a flood', png));
    whole.fill(random.int(256), 0, 20 + random.int(60));
    return form(whole);
  },
  'noise called a form': (random) => form(noise(random, random.int(2000))),
  'thousands of parts': (random) =>
    form(formBody(Array.from({ length: 70 + random.int(3000) }, (_, i) => ({ name: `f${i}`, value: '' })))),
  'another content type': (random) => ({
    ...form(postForm('a', png)),
    headers: {
      'content-type': pick(random, [
        'application/json',
        'text/plain',
        'image/png',
        'application/octet-stream',
        'multipart/mixed; boundary=a',
        'multipart/form-data',
        'multipart/form-data; boundary=',
        `multipart/form-data; boundary=${'b'.repeat(100)}`,
        ';;;',
        'a',
      ]),
    },
  }),
  'a compressed body': (random) => ({
    ...form(gzipSync(Buffer.alloc(random.int(100_000)))),
    headers: {
      'content-type': formType,
      'content-encoding': pick(random, ['gzip', 'deflate', 'br', 'identity, gzip']),
    },
  }),
  'noise behind a signature': (random) =>
    form(postForm('a', Buffer.concat([pick(random, signatures), noise(random, random.int(3000))]))),
  'a picture that is cut': (random) => form(postForm('a', png.subarray(0, random.int(png.length - 60)))),
  'a picture in which one chunk is damaged': (random) => {
    const bytes = Buffer.from(png);
    noise(random, 40).copy(bytes, 12 + random.int(20));
    return form(postForm('a', bytes));
  },
  'another kind of file': (random) =>
    form(postForm('a', Buffer.concat([latin(pick(random, strangers)), noise(random, random.int(2000))]), 'photo.jpg')),
  'a zip bomb': (random) =>
    form(
      postForm(
        'a',
        Buffer.concat([
          latin('PK\x03\x04\x14\0\0\0\x08\0'),
          deflateRawSync(Buffer.alloc(1_000_000 + random.int(3_000_000))),
        ]),
      ),
    ),
  'a pixel bomb': (random) => form(postForm('a', pixelBomb(random))),
  'a polyglot': (random) =>
    form(
      postForm(
        'a',
        pick(random, [
          Buffer.concat([latin('%PDF-1.4\n%'), png]),
          Buffer.concat([latin('GIF89a/*'), latin('*/=1;alert(1);//'), noise(random, 200)]),
          Buffer.concat([latin('PK\x03\x04'), png]),
          Buffer.concat([latin('<?php system($_GET[0]); ?>'), png]),
          Buffer.concat([latin('\xff\xd8\xff\xfe\0\x1f<script>alert(document.domain)</script>'), noise(random, 100)]),
        ]),
      ),
    ),
  'a file behind a picture': (random) =>
    form(postForm('a', Buffer.concat([pick(random, pictures), latin(pick(random, appended)), noise(random, 300)]))),
  'a tiny picture': (random) => {
    const [width, height] = random.int(2)
      ? [1 + random.int(7), 1 + random.int(60)]
      : [1 + random.int(60), 1 + random.int(7)];
    return form(
      postForm(
        'a',
        encodePng(width, height, () => [random.int(256), 9, 9]),
      ),
    );
  },
  'an empty picture': () => form(postForm('a', new Uint8Array(0))),
  'a huge text': (random) => form(postForm('x'.repeat(10_001 + random.int(150_000)), png)),
  'bad UTF-8': (random) =>
    form(
      latin(
        postForm('', png)
          .toString('latin1')
          .replace(
            '\r\n\r\n',
            () =>
              `\r\n\r\n${pick(random, ['\xff', '\xc3(', '\xe2\x82', '\xf0\x28\x8c\xbc', '\xed\xa0\x80', '\xc0\xaf'])}`,
          ),
      ),
    ),
  'path-like field names': (random) =>
    form(
      formBody([
        { name: 'text', value: 'a' },
        { name: pick(random, paths), value: png, filename: 'a.png' },
      ]),
    ),
  'path-like file names': (random) => form(postForm('a', noise(random, 50), pick(random, paths))),
  'repeated fields': (random) => {
    const fields = [
      { name: 'text', value: 'a' },
      { name: 'image', value: png, filename: 'a.png' },
    ];
    return form(formBody([...fields, ...Array.from({ length: 1 + random.int(20) }, () => pick(random, fields))]));
  },
  'fields of the wrong kind': (random) =>
    form(
      formBody(
        pick(random, [
          [
            { name: 'text', value: 'a', filename: 'a.txt' },
            { name: 'image', value: png, filename: 'a.png' },
          ],
          [
            { name: 'text', value: 'a' },
            { name: 'image', value: 'data:image/png;base64,AAAA' },
          ],
          [
            { name: 'Text', value: 'a' },
            { name: 'IMAGE', value: png, filename: 'a.png' },
          ],
          [
            { name: '__proto__', value: 'a' },
            { name: 'constructor', value: png, filename: 'a.png' },
          ],
        ]),
      ),
    ),
  'a body that is too large': (random) => form(Buffer.alloc(210_000 + random.int(300_000))),
  'a batch whose halves differ': (random) => ({
    ...form(formBody(Array.from({ length: 1 + random.int(40) }, () => ({ name: 'text', value: 'a' })))),
    path: '/predict/batch',
  }),
  'JSON that is cut or strange': (random) =>
    infer(
      pick(random, [
        '{',
        '[]',
        'null',
        '"a"',
        '{"inputs":{}}',
        '{"inputs":[1,2]}',
        '{"__proto__":{"inputs":[]}}',
        '['.repeat(50_000),
        '{"a":'.repeat(10_000),
        '1e999',
        '\u0000',
        '{"inputs":[{},{}]}',
      ]),
    ),
  'tensors that do not fit': (random) => {
    const shape = pick(random, [[-1], [2], [], [1, 2, 3], [1e308], ['1']]);
    const data = pick<unknown>(random, ['a', [1], [null], ['a', 'b'], [], {}]);
    return infer(
      JSON.stringify({
        inputs: ['text', 'image'].map((name) => ({ name, datatype: pick(random, ['BYTES', 'FP32']), shape, data })),
      }),
    );
  },
  'tensors without a picture': (random) => {
    const data = [noise(random, random.int(400)).toString('base64')];
    return infer(
      JSON.stringify({
        inputs: [
          { name: 'text', datatype: 'BYTES', shape: [1], data: ['a'] },
          { name: 'image', datatype: 'BYTES', shape: [1], data },
        ],
      }),
    );
  },
  'binary tensors that do not fit': (random) => {
    const size = pick<unknown>(random, [-1, 0.5, 0, 3, 1e9, '4', 2 ** 32]);
    const inputs = ['text', 'image'].map((name) => ({
      name,
      datatype: pick(random, ['BYTES', 'UINT8']),
      shape: pick(random, [[1], [2], [1, 5], [1, 1, 3], [0]]),
      parameters: { binary_data_size: size },
    }));
    const json = JSON.stringify({ inputs });
    const length = pick(random, [json.length, json.length, 5, 1e9, -1, 'x', '']);
    const sent = infer(json);
    return {
      ...sent,
      headers: { 'inference-header-content-length': String(length) },
      body: Buffer.concat([Buffer.from(json), noise(random, random.int(40))]),
    };
  },
  'paths that lead nowhere': (random) => ({
    path: pick(random, [
      '/predict/../../etc/passwd',
      '/docs/static/../../../package.json',
      '/docs/static/%2e%2e/%2e%2e/package.json',
      '/docs/static/..%5c..%5cpackage.json',
      '//etc/passwd',
      '/%00',
      '/%zz',
      `/${'a'.repeat(5000)}`,
      '/v2/models/..%2f..%2fetc',
      '/v2/models/%F0%28',
      '/predict%00',
      '/.env',
      '/.git/config',
      '/metrics/../predict',
    ]),
  }),
  'other methods': (random) => ({
    path: pick(random, ['/predict', '/predict/batch', '/health', '/metrics']),
    method: pick(random, ['PUT', 'DELETE', 'PATCH', 'OPTIONS']),
  }),
};

/** `count` bad requests, the same ones for the same seed. */
export function* badRequests(count: number, seed: number): Generator<{ kind: string; sent: Sent }> {
  const names = Object.keys(generators);
  for (let i = 0; i < count; i++) {
    const kind = names[i % names.length] as string;
    yield { kind, sent: (generators[kind] as Make)(createRandom(seed, 'abuse', i)) };
  }
}

/** Beginnings of requests whose client leaves before the end. */
export function brokenOff(random: Random): Buffer {
  const body = postForm('a flood', png);
  const head = `POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\nContent-Length: ${body.length}\r\n\r\n`;
  const whole = Buffer.concat([Buffer.from(head), body]);
  return whole.subarray(0, 1 + random.int(whole.length - 2));
}
