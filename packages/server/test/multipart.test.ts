import { expect, test } from 'vitest';
import { parseMultipart } from '../src/form/multipart.ts';
import { boundary, formBody, formType } from './forms.ts';

const parse = (body: Buffer | string, contentType = formType, maxParts = 8) =>
  parseMultipart(Buffer.from(body as string), contentType, maxParts);
const part = (head: string, content = 'x') => `--${boundary}\r\n${head}\r\n\r\n${content}\r\n--${boundary}--\r\n`;
const disposition = 'Content-Disposition: form-data; name="image"';

test('takes a form apart, byte for byte', () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const parts = parse(
    formBody([
      { name: 'text', value: 'a\r\n\r\nb' },
      { name: 'image', value: bytes, filename: 'a b.jpg', type: 'image/jpeg' },
    ]),
  );
  expect(parts.map(({ name, filename }) => [name, filename])).toEqual([
    ['text', null],
    ['image', 'a b.jpg'],
  ]);
  expect(parts[0]?.bytes.toString()).toBe('a\r\n\r\nb');
  expect(parts[1]?.bytes.equals(bytes)).toBe(true);
});

test.each([
  ['quotes and backslashes escaped', 'filename="a\\"b\\\\c.jpg"', 'a"b\\c.jpg'],
  ['a path of Windows', 'filename="C:\\temp\\new.jpg"', 'C:\\temp\\new.jpg'],
  ['a path that climbs', 'filename="../../etc/passwd"', '../../etc/passwd'],
  ['no quotes', 'filename=a.jpg', 'a.jpg'],
  ['UTF-8', 'filename="Überflutung 洪水.jpg"', 'Überflutung 洪水.jpg'],
  ['RFC 5987 beside the plain name', 'filename="?.jpg"; filename*=UTF-8\'\'%e2%82%ac.jpg', '€.jpg'],
  ['a broken RFC 5987 name', 'filename="plain.jpg"; filename*=UTF-8\'\'%e2%82.jpg', 'plain.jpg'],
  ['an empty name', 'filename=""', ''],
  ['a semicolon inside quotes', 'filename="a;b=c.jpg"', 'a;b=c.jpg'],
])('reads a file name with %s', (_, parameter, expected) => {
  expect(parse(part(`${disposition}; ${parameter}`))[0]?.filename).toBe(expected);
});

test('header names and the disposition are read in any case, and parameters in any order', () => {
  const [first] = parse(
    part('content-type: text/plain; charset="ISO-8859-1"\r\ncontent-DISPOSITION: Form-Data; filename=f; NAME=text'),
  );
  expect([first?.name, first?.filename, first?.charset]).toEqual(['text', 'f', 'ISO-8859-1']);
});

test('preamble, epilogue, padding behind the boundary and empty contents are allowed', () => {
  const body = `preamble\r\n--${boundary} \t\r\n${disposition}\r\n\r\n\r\n--${boundary}--\r\nepilogue`;
  expect(parse(body).map(({ name, bytes }) => [name, bytes.length])).toEqual([['image', 0]]);
  expect(parse(`--${boundary}--`)).toEqual([]);
});

test('a boundary may need quotes', () => {
  const body = `--a b:c\r\n${disposition}\r\n\r\nx\r\n--a b:c--`;
  expect(parse(body, 'multipart/form-data; charset=utf-8; boundary="a b:c"')).toHaveLength(1);
});

test.each([
  ['no boundary in the header', part(disposition), 'multipart/form-data', 'without a boundary'],
  [
    'a boundary of 71 characters',
    part(disposition),
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
    'without a boundary',
  ],
  [
    'another boundary than the body',
    part(disposition),
    'multipart/form-data; boundary=other',
    'without the boundary "--other"',
  ],
  ['an empty body', '', formType, 'an empty body'],
  ['a body that is cut', part(disposition).slice(0, -8), formType, 'it was cut short'],
  ['headers that do not end', `--${boundary}\r\n${disposition}\r\n--${boundary}--`, formType, 'headers do not end'],
  ['no headers', `--${boundary}\r\n\r\nx\r\n--${boundary}--`, formType, 'Content-Disposition'],
  ['no name', part('Content-Disposition: form-data'), formType, 'Content-Disposition'],
  ['another disposition', part('Content-Disposition: attachment; name="image"'), formType, 'Content-Disposition'],
  ['bare line feeds', part(disposition).replaceAll('\r\n', '\n'), formType, 'lines end with CR LF'],
  ['more headers than allowed', part(`${disposition}\r\nX: ${'x'.repeat(9000)}`), formType, 'bytes of headers'],
])('refuses %s with a reason', (_, body, contentType, reason) => {
  expect(() => parse(body, contentType)).toThrow(reason);
  expect(() => parse(body, contentType)).toThrow(expect.objectContaining({ code: 'CROSSCHECK_SERVER_FORM_BROKEN' }));
});

test('more parts than allowed are refused', () => {
  const fields = Array.from({ length: 5 }, () => ({ name: 'text', value: '' }));
  expect(parse(formBody(fields), formType, 5)).toHaveLength(5);
  expect(() => parse(formBody(fields), formType, 4)).toThrow('more than 4 parts');
});

test('a form that is cut at any byte is refused, never half read', () => {
  const whole = formBody([
    { name: 'text', value: 'words' },
    { name: 'image', value: Buffer.alloc(20, 7), filename: 'a.png' },
  ]);
  const needed = whole.length - '--\r\n'.length;
  for (let length = 0; length <= needed; length++)
    expect(() => parse(whole.subarray(0, length))).toThrow('multipart/form-data');
  expect(parse(whole.subarray(0, needed + 2))).toHaveLength(2);
});
