import { fail } from '../errors.ts';
import { type ConfigNode, type MapNode, type ScalarNode, stringNode } from '../tree/node.ts';
import { typedScalar } from '../tree/scalar.ts';
import { callFunction } from './functions.ts';
import { lexValue, type Token, type TokenType } from './lexer.ts';
import { isSweep, type Override, type OverrideKind, type Sweep } from './override.ts';

const word = String.raw`[a-zA-Z_][\w-]*`;
const part = String.raw`(?:[a-zA-Z_$][\w$-]*|0|[1-9](?:_?\d)*)`;
const packageName = String.raw`(?:${part}(?:\.${part})+|[a-zA-Z_$][\w$-]*|)`;
const keyPattern = new RegExp(`^(~|\\+\\+|\\+|)(${word}(?:/${word})+|${packageName})(?:@(${packageName}))?(?==|$)`);
const kinds: Record<string, OverrideKind> = { '': 'change', '+': 'add', '++': 'force-add', '~': 'delete' };

/**
 * Parses one argument of Hydra 1.3's override grammar.
 *
 * @example parseOverride('training.learning_rate=1e-4,1e-5')
 * @throws BAD_OVERRIDE
 */
export function parseOverride(input: string): Override {
  const head = keyPattern.exec(input);
  if (head === null || input === '') return badKey(input);
  const [text, prefix, key, pkg] = head as unknown as [string, string, string, string | undefined];
  const kind = kinds[prefix] as OverrideKind;
  const base = { input, kind, key, package: pkg ?? null };
  if (text.length === input.length) {
    if (kind === 'delete') return { ...base, value: null };
    return fail('BAD_OVERRIDE', `the override ${input} has no value; write ${input}=VALUE`);
  }
  return { ...base, value: new ValueParser(input.slice(text.length + 1).trimStart(), input).value() };
}

function badKey(input: string): never {
  const equal = input.indexOf('=');
  const key = equal < 0 ? input : input.slice(0, equal);
  const advice = key.includes('[')
    ? `list items are written with dots: ${key.replace(/\[(\d+)\]/g, '.$1')}=…`
    : 'expected key=value, +key=value, ++key=value, ~key or group@package=option';
  return fail(
    'BAD_OVERRIDE',
    `cannot read the override "${input}": ${key === '' ? 'it is empty' : `"${key}" is not a key`}; ${advice}`,
  );
}

/** Parses a value alone, as it stands after `=`. */
export function parseValue(text: string): ConfigNode | Sweep {
  return new ValueParser(text.trimStart(), text).value();
}

const pieces = new Set<TokenType>(['word', 'number', 'interpolation', 'char', ':', 'escape', 'space']);
const keyPieces = new Set<TokenType>(['word', 'number', 'char', 'escape', 'space']);

class ValueParser {
  readonly #tokens: Token[];
  readonly #input: string;
  #next = 0;

  constructor(text: string, input: string) {
    this.#tokens = lexValue(text, input);
    this.#input = input;
  }

  value(): ConfigNode | Sweep {
    if (this.#peek().type === 'end') return { ...stringNode(''), origin: this.#origin() };
    const elements = [this.#element()];
    while (this.#take(',')) elements.push(this.#element());
    if (this.#peek().type !== 'end') this.#unexpected();
    const [only] = elements;
    if (elements.length === 1 && only !== undefined) return only;
    if (elements.some((element) => isSweep(element))) this.#fail('a sweep cannot be an element of another sweep');
    return { kind: 'choice', simple: true, list: elements as ConfigNode[], shuffle: false, tags: [] };
  }

  #element(): ConfigNode | Sweep {
    const token = this.#peek();
    if (token.type === 'word' && this.#tokens[this.#next + 1]?.type === '(') return this.#call();
    if (token.type === '[') return this.#list();
    if (token.type === '{') return this.#map();
    return this.#primitive(pieces);
  }

  #call(): ConfigNode | Sweep {
    const name = this.#advance().text;
    this.#advance();
    const positional: (ConfigNode | Sweep)[] = [];
    const named: Record<string, ConfigNode | Sweep> = {};
    while (this.#peek().type !== ')') {
      if (positional.length + Object.keys(named).length > 0 && !this.#take(',')) this.#unexpected();
      if (this.#peek().type === 'word' && this.#tokens[this.#next + 1]?.type === '=') {
        const argument = this.#advance().text;
        this.#advance();
        named[argument] = this.#element();
      } else {
        if (Object.keys(named).length > 0) this.#fail('a positional argument follows a named one');
        positional.push(this.#element());
      }
    }
    this.#advance();
    return callFunction(name, { positional, named, input: this.#input });
  }

  #list(): ConfigNode {
    this.#advance();
    const items: ConfigNode[] = [];
    while (this.#peek().type !== ']') {
      if (items.length > 0 && !this.#take(',')) this.#unexpected();
      items.push(this.#plainElement());
    }
    this.#advance();
    return { kind: 'list', items, origin: this.#origin() };
  }

  #map(): MapNode {
    this.#advance();
    const entries = new Map<string, ConfigNode>();
    while (this.#peek().type !== '}') {
      if (entries.size > 0 && !this.#take(',')) this.#unexpected();
      const key = this.#primitive(keyPieces);
      if (!this.#take(':')) this.#unexpected();
      entries.set(key.text, this.#plainElement());
    }
    this.#advance();
    return { kind: 'map', entries, origin: this.#origin() };
  }

  #plainElement(): ConfigNode {
    const element = this.#element();
    if (isSweep(element)) return this.#fail('a sweep cannot stand inside a list or a mapping');
    return element;
  }

  #primitive(allowed: ReadonlySet<TokenType>): ScalarNode {
    const first = this.#peek();
    if (first.type === 'quoted') {
      this.#advance();
      const quote = first.text[0] as "'" | '"';
      return { ...stringNode(unquote(first.text, quote), this.#origin()), quote };
    }
    const tokens: Token[] = [];
    while (allowed.has(this.#peek().type)) tokens.push(this.#advance());
    if (tokens[0]?.type === 'space') tokens.shift();
    if (tokens.at(-1)?.type === 'space') tokens.pop();
    if (tokens.length === 0) this.#unexpected();
    return this.#scalar(tokens);
  }

  #scalar(tokens: Token[]): ScalarNode {
    const text = tokens
      .map((token) => (token.type === 'escape' ? token.text.replace(/\\([\s\S])/g, '$1') : token.text))
      .join('');
    const typed = tokens.length === 1 && (tokens[0]?.type === 'number' || tokens[0]?.type === 'word');
    return typed ? typedScalar(text, this.#origin()) : stringNode(text, this.#origin());
  }

  #origin(): string {
    return `override ${this.#input}`;
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #advance(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #take(type: TokenType): boolean {
    if (this.#peek().type !== type) return false;
    this.#next++;
    return true;
  }

  #unexpected(): never {
    const token = this.#peek();
    const what = token.type === 'end' ? 'it ends too early' : `"${token.text.trim()}" is not expected here`;
    return this.#fail(`${what}; put text that contains , : = ( ) [ ] { } in quotes, as in key='a=b'`);
  }

  #fail(message: string): never {
    return fail('BAD_OVERRIDE', `cannot read the override ${this.#input}: ${message}`);
  }
}

/** Backslashes count only before a quote: `\'` is a quote, `\\` at the end is one backslash. */
function unquote(text: string, quote: string): string {
  const inner = text.slice(1);
  const unescaped = inner.replace(quote === "'" ? /(\\+)(')/g : /(\\+)(")/g, (_, slashes: string, mark: string) => {
    const escaped = '\\'.repeat(Math.floor(slashes.length / 2));
    return `${escaped}${mark}`;
  });
  return unescaped.slice(0, -1);
}
