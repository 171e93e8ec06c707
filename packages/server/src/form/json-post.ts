import { parseJson } from '../http/body.ts';
import { type FieldProblem, fieldsInvalid } from '../http/error-body.ts';
import { decodeBase64 } from './base64.ts';
import type { FormPart } from './multipart.ts';

type Value = unknown;

/**
 * Reads a post as JSON, `{text, image, image_url, filename, abstain}` with the image in base64 or as a data URL, as the same post in a form.
 *
 * @throws CROSSCHECK_SERVER_JSON_BROKEN, CROSSCHECK_SERVER_FIELDS_INVALID
 */
export function parsePostJson(body: Buffer): FormPart[] {
  const json = parseJson(body);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) refuse([], 'Input should be an object');
  const { filename = '', ...fields } = json as Record<string, Value>;
  if (typeof filename !== 'string') return refuse(['filename'], 'Input should be a string');
  const given = Object.entries(fields).filter(([, value]) => value !== null);
  return given.map(([name, value]) => ({
    name,
    filename: name === 'image' ? filename : null,
    charset: 'utf-8',
    bytes: (readers[name] ?? unknownField)(name, value),
  }));
}

function refuse(loc: string[], msg: string, type: FieldProblem['type'] = 'value_error'): never {
  throw fieldsInvalid([{ type, loc: ['body', ...loc], msg }]);
}

/** The form's reader says that nobody knows it. */
const unknownField = () => Buffer.alloc(0);

const readers: Record<string, ((name: string, value: Value) => Buffer) | undefined> = {
  text: readString,
  image_url: readString,
  image: (name, value) => {
    const bytes = decodeBase64(readString(name, value).toString('latin1'));
    return bytes ?? refuse([name], 'Input should be an image in base64, or a data URL of one');
  },
  abstain: (name, value) =>
    typeof value === 'boolean' ? Buffer.from(String(value)) : refuse([name], 'Input should be true or false'),
};

function readString(name: string, value: Value): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : refuse([name], 'Input should be a string', 'string_type');
}
