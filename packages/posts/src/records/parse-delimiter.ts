import { CrosscheckError } from '@crosscheck/contract';

const byName: Record<string, string> = { comma: ',', semicolon: ';', tab: '\t', '\\t': '\t', pipe: '|' };

/**
 * The character that a user names as delimiter: itself, or by its name where a shell would take it for something else.
 *
 * @throws CROSSCHECK_DATA_BAD_OPTION
 */
export function parseDelimiter(text: string): string {
  const delimiter = byName[text.toLowerCase()] ?? text;
  if (delimiter.length === 1 && !/["\r\n]/.test(delimiter)) return delimiter;
  const message = `expected one character, or ${Object.keys(byName).join(', ')} as delimiter, got "${text}"`;
  throw new CrosscheckError('CROSSCHECK_DATA_BAD_OPTION', message);
}
