// N posts, L bytes of a file, H and W of an image.
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import type { Post } from '@crosscheck/inference';
import { decodeBase64 } from '../../form/base64.ts';
import { checkTextLength, type PostLimits } from '../../form/read-posts.ts';
import type { BodyParser } from '../../http/body.ts';
import { parseJson } from '../../http/body.ts';
import { type FieldProblem, fieldsInvalid } from '../../http/error-body.ts';
import type { InferRequest, InputTensor } from './infer-request.ts';
import { rgbFile } from './rgb-file.ts';

/** A body taken apart: the JSON, and the tensors behind it. */
export interface InferBody {
  json: unknown;
  tensors: Buffer;
}

const lengthHeader = 'inference-header-content-length';

/** What decides between JSON and binary is this header; Content-Type says nothing. */
export const parseInferBody: BodyParser = (body, headers) => {
  const given = headers[lengthHeader];
  if (given === undefined) return { json: parseJson(body), tensors: Buffer.alloc(0) };
  const length = /^\d{1,15}$/.test(String(given)) ? Number(given) : Number.NaN;
  if (!(length <= body.length)) {
    const message = `expected Inference-Header-Content-Length from 0 to the ${body.length} bytes of the body, got "${String(given).slice(0, 40)}"; it is the length of the JSON before the tensors`;
    throw new CrosscheckError('CROSSCHECK_SERVER_FORM_BROKEN', message);
  }
  return { json: parseJson(body.subarray(0, length)), tensors: body.subarray(length) };
};

/**
 * The posts of a request: texts and images of the same number. A model that does without a part takes requests without that tensor, and
 * empty elements in it.
 *
 * @throws CROSSCHECK_SERVER_FIELDS_INVALID
 */
export function readPosts({ inputs }: InferRequest, tensors: Buffer, limits: PostLimits): Post[] {
  const { modalities } = limits;
  const raw = cut(inputs, tensors);
  const [text, image] = ['text', 'image'].map((name) => inputs.find((input) => input.name === name));
  const present = [text, image].filter((tensor) => tensor !== undefined);
  const isWhole = (text || modalities.text === 'optional') && (image || modalities.image === 'optional');
  if (!isWhole || present.length < inputs.length) throw fieldsInvalid([missingTensor]);
  const posts = countPosts(present[0] as InputTensor);
  for (const tensor of present) checkCount(tensor, posts, limits.maxPosts);
  const texts = text && readTexts(text, raw.get(text), limits);
  const images = image && readImages(image, raw.get(image), modalities.image === 'optional');
  return Array.from({ length: posts }, (_, i) => ({ text: texts?.[i] ?? '', image: images?.[i] ?? null }));
}

const missingTensor: FieldProblem = {
  type: 'missing',
  loc: ['body', 'inputs'],
  msg: 'One tensor text and one tensor image are required; this model needs an image and a text',
};

function refuse({ name }: Pick<InputTensor, 'name'>, msg: string): never {
  throw fieldsInvalid([{ type: 'value_error', loc: ['body', 'inputs', name], msg }]);
}

/** The binary tensors, in the order of the inputs. */
function cut(inputs: readonly InputTensor[], tensors: Buffer): Map<InputTensor, Buffer> {
  const found = new Map<InputTensor, Buffer>();
  let at = 0;
  for (const input of inputs) {
    const size = input.parameters?.binary_data_size;
    if (size === undefined && input.data) continue;
    if (size === undefined) refuse(input, 'Field data, or the parameter binary_data_size with its bytes, is required');
    if (input.data) refuse(input, 'data and binary_data_size are two values for one tensor; send one of them');
    if (at + size > tensors.length)
      refuse(
        input,
        `binary_data_size is ${size}, but ${tensors.length - at} bytes are left behind the JSON; its length goes into the header Inference-Header-Content-Length`,
      );
    found.set(input, tensors.subarray(at, at + size));
    at += size;
  }
  if (at < tensors.length && inputs[0]) refuse(inputs[0], `${tensors.length - at} bytes are behind the last tensor`);
  return found;
}

/** A UINT8 tensor of one or three dimensions is one image. */
function countPosts({ datatype, shape }: InputTensor): number {
  return datatype === 'UINT8' && shape.length % 2 === 1 ? 1 : (shape[0] as number);
}

function checkCount(tensor: InputTensor, posts: number, maxPosts: number): void {
  const count = countPosts(tensor);
  if (count !== posts) refuse(tensor, `Shape [${tensor.shape.join(', ')}] has ${count} posts beside ${posts}`);
  if (count === 0 || count > maxPosts) refuse(tensor, `From 1 to ${maxPosts} posts are allowed, got ${count}`);
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** The elements of a BYTES tensor. */
function readBytes(tensor: InputTensor, raw: Buffer | undefined): (string | Buffer)[] {
  const elements = raw ? splitBytes(tensor, raw) : flatten(tensor, (value) => typeof value === 'string');
  const [count, ...others] = tensor.shape as [number, ...number[]];
  if (elements.length === count && others.every((size) => size === 1)) return elements as (string | Buffer)[];
  return refuse(
    tensor,
    `Shape [${tensor.shape.join(', ')}] does not fit ${elements.length} elements; expected [N] or [N, 1]`,
  );
}

/** Each element is its length in four bytes, little-endian, and its bytes. */
function splitBytes(tensor: InputTensor, raw: Buffer): Buffer[] {
  const elements: Buffer[] = [];
  for (let at = 0; at < raw.length; ) {
    const length = at + 4 <= raw.length ? raw.readUInt32LE(at) : Number.POSITIVE_INFINITY;
    if (at + 4 + length > raw.length)
      refuse(
        tensor,
        `Element ${elements.length} is longer than its tensor; a BYTES element is its length in four bytes, little-endian, and its bytes`,
      );
    elements.push(raw.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return elements;
}

/** Data may be nested like the shape, or flat. */
function flatten(tensor: InputTensor, isElement: (value: unknown) => boolean): unknown[] {
  const flat = (tensor.data ?? []).flat(3);
  const wrong = flat.findIndex((value) => !isElement(value));
  if (wrong < 0) return flat;
  const expected = tensor.datatype === 'BYTES' ? 'a string' : 'a whole number from 0 to 255';
  return refuse(tensor, `Element ${wrong} of data should be ${expected}`);
}

function readTexts(tensor: InputTensor, raw: Buffer | undefined, { maxTextLength }: PostLimits): string[] {
  if (tensor.datatype !== 'BYTES') refuse(tensor, `Datatype should be BYTES, got ${tensor.datatype}`);
  const problems: FieldProblem[] = [];
  const texts = readBytes(tensor, raw).map((element, i) => {
    const text = typeof element === 'string' ? element : decodeText(tensor, element);
    checkTextLength(text, { maxTextLength, loc: ['body', 'inputs', 'text', i], problems });
    return text;
  });
  if (problems.length > 0) throw fieldsInvalid(problems);
  return texts;
}

function decodeText(tensor: InputTensor, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    return refuse(tensor, `Elements should be UTF-8: ${messageOf(error)}`);
  }
}

/** Encoded images; null for an empty one where the model does without. */
function readImages(tensor: InputTensor, raw: Buffer | undefined, mayBeEmpty: boolean): (Uint8Array | null)[] {
  const images = tensor.datatype === 'UINT8' ? readUint8(tensor, raw) : readBytes(tensor, raw);
  return images.map((image) => {
    if (image.length === 0 && mayBeEmpty) return null;
    if (typeof image === 'string') return fromBase64(tensor, image);
    const isText = tensor.parameters?.content_type === 'base64';
    return isText ? fromBase64(tensor, Buffer.from(image).toString('latin1')) : image;
  });
}

function fromBase64(tensor: InputTensor, text: string): Buffer {
  return (
    decodeBase64(text) ?? refuse(tensor, 'Images in data should be base64; in binary they are the bytes of the file')
  );
}

/** Files of L bytes, or RGB. */
function readUint8(tensor: InputTensor, raw: Buffer | undefined): Uint8Array[] {
  const isByte = (value: unknown) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;
  const bytes = raw ?? Uint8Array.from(flatten(tensor, isByte) as number[]);
  const { shape } = tensor;
  const isRgb = shape.length > 2;
  if (bytes.length !== sizeOf(shape) || (isRgb && shape.at(-1) !== 3))
    refuse(
      tensor,
      `Shape [${shape.join(', ')}] does not fit ${bytes.length} numbers; expected files as [L] or [N, L], RGB as [H, W, 3] or [N, H, W, 3]`,
    );
  const images = countPosts(tensor);
  const length = bytes.length / images;
  const [height = 0, width = 0] = shape.slice(-3);
  return Array.from({ length: images }, (_, i) => {
    const part = bytes.subarray(i * length, (i + 1) * length);
    return isRgb ? rgbFile(part, { width, height }) : part;
  });
}
