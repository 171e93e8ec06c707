import type { Post } from '@crosscheck/inference';
import { z } from 'zod';
import { type FieldProblem, fieldsInvalid } from '../../form/field-problem.ts';
import { checkTextLength, type PostLimits } from '../../form/read-posts.ts';

const inputTensor = z.object({
  name: z.enum(['text', 'image']),
  datatype: z.literal('BYTES'),
  shape: z.array(z.int().min(0)).min(1).max(2).describe('[N] or [N, 1]'),
  parameters: z.looseObject({ content_type: z.string().optional() }).optional(),
  data: z.array(z.string()).describe('texts, or pictures in base64'),
});

export const inferRequest = z.object({
  id: z.string().max(256).optional(),
  inputs: z.array(inputTensor).length(2),
  outputs: z
    .array(z.object({ name: z.string() }))
    .optional()
    .describe('the ones wanted; all when left out'),
});

export type InferRequest = z.infer<typeof inferRequest>;

export const exampleRequest = {
  id: '1',
  inputs: [
    { name: 'text', datatype: 'BYTES', shape: [1], data: ['This frog sitting on a light'] },
    { name: 'image', datatype: 'BYTES', shape: [1], parameters: { content_type: 'base64' }, data: ['iVBORw0KGgo…'] },
  ],
};

/** @throws CROSSCHECK_SERVER_FIELDS_INVALID */
export function readRequest(body: unknown): InferRequest {
  const result = inferRequest.safeParse(body);
  if (result.success) return result.data;
  throw fieldsInvalid(
    result.error.issues
      .slice(0, 10)
      .map(({ path, message }) => ({ type: 'value_error', loc: ['body', ...path.map(String)], msg: message })),
  );
}

/**
 * The posts of a request: texts and pictures of the same number.
 *
 * @throws CROSSCHECK_SERVER_FIELDS_INVALID
 */
export function readTensors({ inputs }: InferRequest, { maxPosts, maxTextLength }: PostLimits): Post[] {
  const [text, image] = ['text', 'image'].map((name) => inputs.find((input) => input.name === name));
  if (!text || !image) throw fieldsInvalid([missingTensor]);
  const problems = [text, image].flatMap((tensor) => checkSize(tensor, text.data.length, maxPosts));
  text.data.forEach((words, i) =>
    checkTextLength(words, { maxTextLength, loc: ['body', 'inputs', 'text', i], problems }),
  );
  if (problems.length > 0) throw fieldsInvalid(problems);
  return text.data.map((words, i) => ({ text: words, image: Buffer.from(image.data[i] as string, 'base64') }));
}

const missingTensor: FieldProblem = {
  type: 'missing',
  loc: ['body', 'inputs'],
  msg: 'One tensor text and one tensor image are required',
};

type InputTensor = z.infer<typeof inputTensor>;

function checkSize({ name, shape, data }: InputTensor, posts: number, maxPosts: number): FieldProblem[] {
  const loc = ['body', 'inputs', name];
  const elements = shape.reduce((product, size) => product * size, 1);
  const problems: FieldProblem[] = [];
  if (elements !== data.length || shape[0] !== posts) {
    const msg = `Shape [${shape.join(', ')}] does not fit ${data.length} elements beside ${posts} texts`;
    problems.push({ type: 'value_error', loc, msg });
  }
  if (data.length === 0 || data.length > maxPosts) {
    const msg = `From 1 to ${maxPosts} posts are allowed, got ${data.length}`;
    problems.push({ type: 'too_many', loc, msg, ctx: { max_length: maxPosts } });
  }
  return problems;
}
