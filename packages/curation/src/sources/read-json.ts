import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { readText } from '@crosscheck/posts';

/** A JSON file's content. @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_BROKEN_JSON */
export async function readJson(file: string): Promise<unknown> {
  return parse(await readText(file), file);
}

/** The objects of a file with one JSON value a line, with their lines. @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_BROKEN_JSON */
export async function readJsonLines(file: string): Promise<{ line: number; value: Record<string, unknown> }[]> {
  const lines = (await readText(file)).split(/\r\n|\n|\r/);
  return lines.flatMap((text, i) =>
    text.trim() === '' ? [] : [{ line: i + 1, value: parse(text, `${file}:${i + 1}`) as Record<string, unknown> }],
  );
}

/** A cell of unknown kind as text; `''` for what is neither text, number nor boolean. */
export function textOf(value: unknown): string {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) ? String(value as string) : '';
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `expected JSON, got ${messageOf(cause)} (${where}); download the file again`;
    throw new CrosscheckError('CROSSCHECK_DATA_BROKEN_JSON', message, { cause });
  }
}
