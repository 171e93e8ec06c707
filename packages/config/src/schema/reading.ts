import { encodings } from '@crosscheck/contract';
import { z } from 'zod';

/** How files of posts are read, for every command. */
export const readingSchema = {
  encoding: z
    .enum(encodings)
    .default('auto')
    .describe('of the files of posts; auto = UTF-8, or UTF-16 by its byte order mark'),
  delimiter: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('between cells: a character, or comma, semicolon, tab, pipe; null = found by the header'),
  labels: z
    .record(z.string(), z.union([z.literal('REAL'), z.literal('FAKE'), z.literal(0), z.literal(1)]))
    .nullable()
    .default(null)
    .describe('what the words of the label column mean, such as {Genuine: REAL, Hoax: FAKE}; null = 0, 1, REAL, FAKE'),
};
