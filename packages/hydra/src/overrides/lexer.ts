import { fail } from '../errors.ts';

export type TokenType =
  | 'quoted'
  | 'interpolation'
  | '('
  | ')'
  | ','
  | '['
  | ']'
  | '{'
  | '}'
  | ':'
  | '='
  | 'number'
  | 'word'
  | 'char'
  | 'escape'
  | 'space'
  | 'end';

export interface Token {
  type: TokenType;
  text: string;
  at: number;
}

const int = '(?:0|[1-9](?:_?\\d)*)';
const point = `(?:${int}?\\.\\d(?:_?\\d)*|${int}\\.)`;
const exponent = `(?:(?:${point}|${int})[eE][+-]?\\d(?:_?\\d)*)`;

/**
 * Hydra 1.3's value tokens; the longest match wins, the earlier row on a tie. Differences: `char` also takes what people write in
 * titles (`#`, `!`, `é`, …), an interpolation may contain another one, and a quote inside text is a plain character (`it's`).
 */
const rules: [TokenType, RegExp][] = [
  ['(', /[ \t]*\([ \t]*/y],
  [',', /[ \t]*,[ \t]*/y],
  [')', /[ \t]*\)/y],
  ['[', /\[[ \t]*/y],
  [']', /[ \t]*\]/y],
  ['{', /\{[ \t]*/y],
  ['}', /[ \t]*\}/y],
  [':', /[ \t]*:[ \t]*/y],
  ['=', /[ \t]*=[ \t]*/y],
  ['number', new RegExp(`[+-]?(?:${exponent}|${point}|inf|nan|${int})`, 'iy')],
  ['word', /[a-zA-Z_][\w-]*/y],
  ['escape', /(?:\\[\\()[\]{}:=, \t])+/y],
  ['space', /[ \t]+/y],
  ['char', /[/\-\\+.$%*@?|#!&;<>^`~\n\r]|[^\0-\x7f]/uy],
];

const quoted = /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"/y;
const wordPart = new Set<TokenType>(['word', 'number', 'char', 'escape', 'interpolation', ':']);

/** Splits the text after the `=` of an override into tokens. */
export function lexValue(text: string, input: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const token = nextToken(text, at, isInsideText(tokens));
    if (token === undefined) return unreadable(text, at, input);
    tokens.push(token);
    at += token.text.length;
  }
  tokens.push({ type: 'end', text: '', at });
  return tokens;
}

/** True after the first word of unquoted text, where a quote is a plain character. */
function isInsideText(tokens: Token[]): boolean {
  const last = tokens.at(-1)?.type === 'space' ? tokens.at(-2) : tokens.at(-1);
  return last !== undefined && wordPart.has(last.type);
}

function nextToken(text: string, at: number, insideText: boolean): Token | undefined {
  const quote = text[at] === "'" || text[at] === '"';
  if (quote && insideText) return { type: 'char', text: text[at] as string, at };
  if (quote) return match('quoted', quoted, text, at);
  if (text.startsWith('${', at)) return interpolation(text, at);
  let best: Token | undefined;
  for (const [type, pattern] of rules) {
    const token = match(type, pattern, text, at);
    if (token !== undefined && token.text.length > (best?.text.length ?? 0)) best = token;
  }
  return best;
}

function match(type: TokenType, pattern: RegExp, text: string, at: number): Token | undefined {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  return found === null ? undefined : { type, text: found[0], at };
}

/** `${…}` up to the brace that closes it. */
function interpolation(text: string, at: number): Token | undefined {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text[i] === '{') depth++;
    if (text[i] === '}' && --depth === 0) return { type: 'interpolation', text: text.slice(at, i + 1), at };
  }
  return { type: 'char', text: '$', at };
}

function unreadable(text: string, at: number, input: string): never {
  const char = text[at] as string;
  const advice =
    char === "'" || char === '"' ? `close the quote with ${char}` : "put the value in quotes, as in key='value'";
  return fail(
    'BAD_OVERRIDE',
    `cannot read the override ${input}: unexpected ${char} at "${text.slice(at)}"; ${advice}`,
  );
}
