import type { Post } from '@crosscheck/inference';
import { z } from 'zod';
import { checkTextLength, type PostLimits } from '../../form/read-posts.ts';
import { type FieldProblem, fieldsInvalid } from '../../http/error-body.ts';

const inputTensor = z.object({
  name: z.enum(['text', 'image']),
  datatype: z.literal('BYTES'),
  shape: z.array(z.int().min(0)).min(1).max(2).describe('[N] or [N, 1]'),
  parameters: z.looseObject({ content_type: z.string().optional() }).optional(),
  data: z.array(z.string()).describe('texts, or pictures in base64'),
});

export const inferRequest = z.object({
  id: z.string().max(256).optional(),
  inputs: z.array(inputTensor).min(1).max(2).describe('both, but for models that do without one'),
  parameters: z
    .looseObject({
      abstain: z.boolean().optional().describe('answer UNSURE, label_id -1, where the model is not sure'),
    })
    .optional(),
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
 * The posts of a request: texts and pictures of the same number. A model that does without a part takes requests without that tensor, and
 * empty elements in it.
 *
 * @throws CROSSCHECK_SERVER_FIELDS_INVALID
 */
export function readTensors({ inputs }: InferRequest, { maxPosts, maxTextLength, modalities }: PostLimits): Post[] {
  const [text, image] = ['text', 'image'].map((name) => inputs.find((input) => input.name === name));
  const tensors = [text, image].filter((tensor) => tensor !== undefined);
  const isWhole = (text || modalities.text === 'optional') && (image || modalities.image === 'optional');
  if (!isWhole || tensors.length < inputs.length) throw fieldsInvalid([missingTensor]);
  const posts = (tensors[0] as InputTensor).data.length;
  const problems = tensors.flatMap((tensor) => checkSize(tensor, posts, maxPosts));
  text?.data.forEach((words, i) =>
    checkTextLength(words, { maxTextLength, loc: ['body', 'inputs', 'text', i], problems }),
  );
  if (problems.length > 0) throw fieldsInvalid(problems);
  const pictureOf = (element = '') =>
    element === '' && modalities.image === 'optional' ? null : Buffer.from(element, 'base64');
  return Array.from({ length: posts }, (_, i) => ({ text: text?.data[i] ?? '', image: pictureOf(image?.data[i]) }));
}

const missingTensor: FieldProblem = {
  type: 'missing',
  loc: ['body', 'inputs'],
  msg: 'One tensor text and one tensor image are required; this model needs a picture and words',
};

type InputTensor = z.infer<typeof inputTensor>;

function checkSize({ name, shape, data }: InputTensor, posts: number, maxPosts: number): FieldProblem[] {
  const loc = ['body', 'inputs', name];
  const elements = shape.reduce((product, size) => product * size, 1);
  const problems: FieldProblem[] = [];
  if (elements !== data.length || shape[0] !== posts) {
    const msg = `Shape [${shape.join(', ')}] does not fit ${data.length} elements beside ${posts} posts`;
    problems.push({ type: 'value_error', loc, msg });
  }
  if (data.length === 0 || data.length > maxPosts) {
    const msg = `From 1 to ${maxPosts} posts are allowed, got ${data.length}`;
    problems.push({ type: 'too_many', loc, msg, ctx: { max_length: maxPosts } });
  }
  return problems;
}
