import { type FieldProblem, fieldsInvalid } from './field-problem.ts';
import type { FormPart } from './multipart.ts';

/** A post as it was uploaded. */
export interface UploadedPost {
  text: string;
  image: Uint8Array;
  /** As the client calls its picture. */
  filename: string;
}

export interface PostLimits {
  maxTextLength: number;
  /** In one request. */
  maxPosts: number;
}

const fields = ['text', 'image'] as const;

/**
 * Reads the one post of a form.
 *
 * @throws CROSSCHECK_SERVER_FIELDS_INVALID
 */
export function readPost(parts: FormPart[], limits: PostLimits): UploadedPost {
  const problems = [...unknownFields(parts)];
  for (const field of fields) {
    const count = parts.filter(({ name }) => name === field).length;
    if (count === 0) problems.push({ type: 'missing', loc: ['body', field], msg: 'Field required' });
    if (count > 1)
      problems.push({
        type: 'too_many',
        loc: ['body', field],
        msg: `Field must appear once, got ${count}; /predict/batch takes several posts`,
      });
  }
  return readPairs(parts, limits, problems)[0] as UploadedPost;
}

/**
 * Reads the posts of a form in which `text` and `image` repeat: the first text belongs to the first image, and so on.
 *
 * @throws CROSSCHECK_SERVER_FIELDS_INVALID
 */
export function readPosts(parts: FormPart[], limits: PostLimits): UploadedPost[] {
  const problems = [...unknownFields(parts)];
  const [texts = 0, images = 0] = fields.map((field) => parts.filter(({ name }) => name === field).length);
  if (texts !== images || texts === 0)
    problems.push({
      type: 'value_error',
      loc: ['body'],
      msg: `As many text fields as image fields are required, at least one of each; got ${texts} and ${images}`,
    });
  if (texts > limits.maxPosts)
    problems.push({
      type: 'too_many',
      loc: ['body'],
      msg: `At most ${limits.maxPosts} posts are allowed, got ${texts}`,
      ctx: { max_length: limits.maxPosts },
    });
  return readPairs(parts, limits, problems);
}

function* unknownFields(parts: FormPart[]): Generator<FieldProblem> {
  for (const { name } of parts) {
    const isKnown = (fields as readonly string[]).includes(name);
    if (!isKnown)
      yield {
        type: 'extra_forbidden',
        loc: ['body', name.slice(0, 100)],
        msg: `Extra fields are not permitted; there are ${fields.join(' and ')}`,
      };
  }
}

function readPairs(parts: FormPart[], { maxTextLength }: PostLimits, problems: FieldProblem[]): UploadedPost[] {
  const texts = parts.filter(({ name }) => name === 'text').map((part) => readText(part, maxTextLength, problems));
  const images = parts.filter(({ name }) => name === 'image');
  for (const { filename } of images) {
    if (filename === null)
      problems.push({
        type: 'file_type',
        loc: ['body', 'image'],
        msg: 'Expected a file with a filename, got a plain field',
      });
  }
  if (problems.length > 0) throw fieldsInvalid(problems);
  return images.map(({ bytes, filename }, i) => ({ text: texts[i] ?? '', image: bytes, filename: filename ?? '' }));
}

function readText({ bytes, filename, charset }: FormPart, maxTextLength: number, problems: FieldProblem[]): string {
  const loc = ['body', 'text'];
  if (filename !== null) problems.push({ type: 'string_type', loc, msg: 'Input should be a plain field, got a file' });
  const text = decodeText(bytes, charset);
  if (text === null)
    problems.push({ type: 'string_unicode', loc, msg: `Input should be valid ${charset.slice(0, 40)} text` });
  else checkTextLength(text, { maxTextLength, loc, problems });
  return text ?? '';
}

function decodeText(bytes: Uint8Array, charset: string): string | null {
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Counts characters, not UTF-16 units. */
export function checkTextLength(
  text: string,
  { maxTextLength, loc, problems }: { maxTextLength: number; loc: FieldProblem['loc']; problems: FieldProblem[] },
): void {
  if (text.length <= maxTextLength) return;
  if (text.length <= 2 * maxTextLength && Array.from(text).length <= maxTextLength) return;
  const msg = `String should have at most ${maxTextLength} characters`;
  problems.push({ type: 'string_too_long', loc, msg, ctx: { max_length: maxTextLength } });
}
