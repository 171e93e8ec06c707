import type { Modalities } from '@crosscheck/contract';
import { type FieldProblem, fieldsInvalid } from '../http/error-body.ts';
import type { FormPart } from './multipart.ts';

/** A post as it was uploaded. */
export interface UploadedPost {
  text: string;
  /** Null where there is none and the model does without. */
  image: Uint8Array | null;
  /** As the client calls its picture. */
  filename: string;
}

export interface PostLimits {
  maxTextLength: number;
  /** In one request. */
  maxPosts: number;
  /** Which parts of a post the model needs. */
  modalities: Modalities;
}

/** What a form asks. */
export interface PostForm {
  posts: UploadedPost[];
  /** Whether UNSURE is wanted; null where the form does not say. */
  abstain: boolean | null;
}

const partNames = ['text', 'image'] as const;
const fields = [...partNames, 'abstain'] as const;

const countOf = (parts: FormPart[], field: string) => parts.filter(({ name }) => name === field).length;

/**
 * Reads the one post of a form.
 *
 * @throws CROSSCHECK_SERVER_FIELDS_INVALID
 */
export function readPost(parts: FormPart[], limits: PostLimits): PostForm & { post: UploadedPost } {
  const problems = [...unknownFields(parts), ...missingParts(parts, limits.modalities)];
  for (const field of partNames) {
    const count = countOf(parts, field);
    if (count > 1)
      problems.push({
        type: 'too_many',
        loc: ['body', field],
        msg: `Field must appear once, got ${count}; /predict/batch takes several posts`,
      });
  }
  const form = readForm(parts, limits, problems);
  return { ...form, post: form.posts[0] as UploadedPost };
}

/** A part may be missing where the model does without it, but not both. */
function missingParts(parts: FormPart[], modalities: Modalities): FieldProblem[] {
  const missing = partNames.filter((field) => countOf(parts, field) === 0);
  const needed = missing.length === 2 ? missing : missing.filter((field) => modalities[field] === 'required');
  return needed.map((field) => missingField(field, modalities));
}

/** Says what the model needs, so that nobody looks for the mistake in the form. */
function missingField(field: (typeof partNames)[number], modalities: Modalities): FieldProblem {
  const needsBoth = Object.values(modalities).every((need) => need === 'required');
  const need = needsBoth ? 'this model needs a picture and words' : 'a picture, words or both are needed';
  return { type: 'missing', loc: ['body', field], msg: `Field required; ${need}` };
}

/**
 * Reads the posts of a form in which `text` and `image` repeat: the first text belongs to the first image, and so on. A model that does
 * without a part also takes forms without that field, and empty ones for single posts.
 *
 * @throws CROSSCHECK_SERVER_FIELDS_INVALID
 */
export function readPosts(parts: FormPart[], limits: PostLimits): PostForm {
  const { maxPosts, modalities } = limits;
  const problems = [...unknownFields(parts)];
  const [texts = 0, images = 0] = partNames.map((field) => countOf(parts, field));
  const isWithout =
    (texts === 0 && modalities.text === 'optional') || (images === 0 && modalities.image === 'optional');
  if ((texts !== images && !isWithout) || texts + images === 0)
    problems.push({
      type: 'value_error',
      loc: ['body'],
      msg: `As many text fields as image fields are required, at least one of each; got ${texts} and ${images}`,
    });
  const posts = Math.max(texts, images);
  if (posts > maxPosts)
    problems.push({
      type: 'too_many',
      loc: ['body'],
      msg: `At most ${maxPosts} posts are allowed, got ${posts}`,
      ctx: { max_length: maxPosts },
    });
  return readForm(parts, limits, problems);
}

function* unknownFields(parts: FormPart[]): Generator<FieldProblem> {
  for (const { name } of parts) {
    const isKnown = (fields as readonly string[]).includes(name);
    if (!isKnown)
      yield {
        type: 'extra_forbidden',
        loc: ['body', name.slice(0, 100)],
        msg: `Extra fields are not permitted; there are ${partNames.join(' and ')}, and abstain`,
      };
  }
}

function readForm(parts: FormPart[], limits: PostLimits, problems: FieldProblem[]): PostForm {
  const abstain = readAbstain(parts, problems);
  return { abstain, posts: readPairs(parts, limits, problems) };
}

const switches: Record<string, boolean> = { true: true, false: false };

function readAbstain(parts: FormPart[], problems: FieldProblem[]): boolean | null {
  const given = parts.filter(({ name }) => name === 'abstain');
  if (given.length === 0) return null;
  const value = switches[new TextDecoder().decode(given[0]?.bytes).slice(0, 5)];
  if (value !== undefined && given.length === 1) return value;
  problems.push({ type: 'value_error', loc: ['body', 'abstain'], msg: 'Input should be true or false, once' });
  return null;
}

function readPairs(
  parts: FormPart[],
  { maxTextLength, modalities }: PostLimits,
  problems: FieldProblem[],
): UploadedPost[] {
  const texts = parts.filter(({ name }) => name === 'text').map((part) => readText(part, maxTextLength, problems));
  const images = parts.filter(({ name }) => name === 'image');
  const isLeftOut = ({ bytes }: FormPart) => bytes.length === 0 && modalities.image === 'optional';
  for (const image of images) {
    if (image.filename === null && !isLeftOut(image))
      problems.push({
        type: 'file_type',
        loc: ['body', 'image'],
        msg: 'Expected a file with a filename, got a plain field',
      });
  }
  if (problems.length > 0) throw fieldsInvalid(problems);
  return Array.from({ length: Math.max(texts.length, images.length) }, (_, i) => {
    const image = images[i];
    const bytes = image && !isLeftOut(image) ? image.bytes : null;
    return { text: texts[i] ?? '', image: bytes, filename: image?.filename ?? '' };
  });
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
