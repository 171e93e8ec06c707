import { type Encoding, encodings, type Option, type ValuesOf } from '@crosscheck/contract';
import type { LabelWords } from '@crosscheck/posts';
import { parse } from 'yaml';
import { badOption } from './command-line.ts';

/** Where posts have their columns and images, as `data:audit` and `data:split` are told. */
export const columnOptions = {
  images_dir: {
    default: null,
    help: 'what relative picture paths resolve against; null = the folder of each CSV, or images/<split> in it',
  },
  text_column: { default: 'text_content', help: 'name of the column with the words' },
  image_column: { default: 'image_path', help: 'name of the column with the picture' },
  label_column: { default: 'label', help: 'name of the column with 0 = REAL, 1 = FAKE' },
} as const;

/** How files of posts are read, for every `data:*` command that reads some. */
export const readingOptions = {
  encoding: {
    default: 'auto',
    choices: encodings,
    help: 'of the files; auto = UTF-8, or UTF-16 by its byte order mark',
  },
  delimiter: {
    default: null,
    help: 'between cells: a character, or comma, semicolon, tab, pipe; null = found by the header',
  },
  labels: {
    default: null,
    help: "what the words of the label column mean: labels='{Genuine: REAL, Hoax: FAKE}'; null = 0, 1, REAL, FAKE",
  },
  allow_outside_root: { default: false, help: 'also read images whose path leads out of the images folder' },
} satisfies Record<string, Option>;

export interface Reading {
  encoding: Encoding;
  delimiter: string | null;
  labels: LabelWords | null;
  allowOutsideRoot: boolean;
  /** These commands have no `data.` before their options. */
  keys: '';
}

/** @throws CROSSCHECK_DATA_BAD_OPTION */
export function readingOf(values: ValuesOf<typeof readingOptions>): Reading {
  return {
    encoding: values.encoding as Encoding,
    delimiter: values.delimiter,
    labels: values.labels === null ? null : parseLabels(values.labels),
    allowOutsideRoot: values.allow_outside_root,
    keys: '',
  };
}

function parseLabels(text: string): LabelWords {
  const mapping = tryParse(text.trim().startsWith('{') ? text : `{${text}}`);
  const isMapping = typeof mapping === 'object' && mapping !== null && !Array.isArray(mapping);
  if (isMapping && Object.values(mapping).every((meaning) => ['string', 'number'].includes(typeof meaning)))
    return mapping as LabelWords;
  throw badOption(`expected labels='{Genuine: REAL, Hoax: FAKE}', got "labels=${text}"`);
}

function tryParse(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return null;
  }
}
