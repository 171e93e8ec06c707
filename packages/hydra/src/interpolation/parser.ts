import { fail } from '../errors.ts';

/** Text with `${…}` in it, taken apart. */
export type Part = string | Interpolation;

type Interpolation = NodeInterpolation | ResolverInterpolation;

/** `${a.b}`, `${.b}` (ups 1), `${..b}` (ups 2). */
export interface NodeInterpolation {
  kind: 'node';
  ups: number;
  keys: Part[][];
  text: string;
}

/** `${name:argument,…}`. */
export interface ResolverInterpolation {
  kind: 'resolver';
  name: Part[];
  args: Argument[];
  text: string;
}

export type Argument =
  | { kind: 'text'; parts: Part[]; isQuoted: boolean; isEscaped: boolean }
  | { kind: 'list'; items: Argument[] }
  | { kind: 'map'; entries: [Argument, Argument][] };

/** Takes the text of a config value apart. A text without `${` comes back as one string. */
export function parseInterpolations(text: string): Part[] {
  return new Reader(text).top();
}

/** Parses one element (what `oc.decode` takes). */
export function parseElement(text: string): Argument {
  return new Reader(text).whole();
}

const escapable = new Set('\\()[]{}:=, \t');
const keyEnd = /[\\${}()[\]:. \t'"]/;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  top(): Part[] {
    return this.#parts(() => false);
  }

  whole(): Argument {
    const argument = this.#argument('');
    this.#spaces();
    if (this.#at < this.#text.length) this.#fail();
    return argument;
  }

  /** Literal text and interpolations up to `isEnd`; backslashes count only before `${`. */
  #parts(isEnd: () => boolean): Part[] {
    const parts: Part[] = [];
    let literal = '';
    while (this.#at < this.#text.length && !isEnd()) {
      const slashes = this.#slashesBeforeInterpolation();
      if (slashes === undefined) {
        literal += this.#text[this.#at++];
        continue;
      }
      literal += '\\'.repeat(Math.floor(slashes / 2));
      this.#at += slashes;
      if (slashes % 2 === 1) {
        literal += '${';
        this.#at += 2;
        continue;
      }
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(this.#interpolation());
    }
    if (literal !== '' || parts.length === 0) parts.push(literal);
    return parts;
  }

  /** How many backslashes stand here in front of `${`; undefined when it is not `\…\${`. */
  #slashesBeforeInterpolation(): number | undefined {
    let end = this.#at;
    while (this.#text[end] === '\\') end++;
    return this.#text.startsWith('${', end) ? end - this.#at : undefined;
  }

  #interpolation(): Interpolation {
    const start = this.#at;
    this.#at += 2;
    this.#spaces();
    const found = this.#resolver() ?? this.#node();
    this.#spaces();
    if (this.#text[this.#at] !== '}') this.#fail();
    this.#at++;
    return { ...found, text: this.#text.slice(start, this.#at) } as Interpolation;
  }

  #resolver(): Omit<ResolverInterpolation, 'text'> | undefined {
    const start = this.#at;
    const name = this.#resolverName();
    this.#spaces();
    if (name === undefined || this.#text[this.#at] !== ':') {
      this.#at = start;
      return undefined;
    }
    this.#at++;
    this.#spaces();
    return { kind: 'resolver', name, args: this.#sequence('}') };
  }

  #resolverName(): Part[] | undefined {
    const name: Part[] = [];
    for (;;) {
      const found = this.#matchWord(/[a-zA-Z_]\w*/y);
      if (this.#text.startsWith('${', this.#at)) name.push(this.#interpolation());
      else if (found !== undefined) name.push(found);
      else return undefined;
      if (this.#text[this.#at] !== '.') return name;
      name.push('.');
      this.#at++;
    }
  }

  #node(): Omit<NodeInterpolation, 'text'> {
    let ups = 0;
    while (this.#text[this.#at] === '.') {
      ups++;
      this.#at++;
    }
    const keys: Part[][] = [];
    while (
      this.#text[this.#at] !== '}' &&
      this.#at < this.#text.length &&
      !/[ \t]/.test(this.#text[this.#at] as string)
    ) {
      const isBracket = this.#take('[');
      if (!isBracket && keys.length > 0 && !this.#take('.')) this.#fail();
      keys.push(this.#key());
      if (isBracket && !this.#take(']')) this.#fail();
    }
    if (keys.length === 0) this.#fail();
    return { kind: 'node', ups, keys };
  }

  #key(): Part[] {
    if (this.#text.startsWith('${', this.#at)) return [this.#interpolation()];
    const start = this.#at;
    while (this.#at < this.#text.length && !keyEnd.test(this.#text[this.#at] as string)) this.#at++;
    if (this.#at === start) this.#fail();
    return [this.#text.slice(start, this.#at)];
  }

  #sequence(close: string): Argument[] {
    const items: Argument[] = [];
    this.#spaces();
    if (this.#text[this.#at] === close) return items;
    for (;;) {
      items.push(this.#argument(close));
      this.#spaces();
      if (!this.#take(',')) return items;
    }
  }

  #argument(close: string): Argument {
    this.#spaces();
    const char = this.#text[this.#at];
    if (char === "'" || char === '"') return this.#quoted(char);
    if (this.#take('[')) {
      const items = this.#sequence(']');
      this.#expect(']');
      return { kind: 'list', items };
    }
    if (this.#take('{')) return this.#map();
    return this.#primitive(close === '' ? ',' : `,${close}`);
  }

  #map(): Argument {
    const entries: [Argument, Argument][] = [];
    this.#spaces();
    while (this.#text[this.#at] !== '}') {
      if (entries.length > 0) this.#expect(',');
      const key = this.#primitive(':,}');
      this.#expect(':');
      entries.push([key, this.#argument('}')]);
      this.#spaces();
    }
    this.#at++;
    return { kind: 'map', entries };
  }

  #quoted(quote: string): Argument {
    this.#at++;
    const start = this.#at;
    let end = start;
    for (let depth = 0; end < this.#text.length; end++) {
      if (this.#text[end] === '\\') end++;
      else if (this.#text.startsWith('${', end)) depth++;
      else if (this.#text[end] === '}' && depth > 0) depth--;
      else if (this.#text[end] === quote && depth === 0) break;
    }
    if (end >= this.#text.length) this.#fail();
    const inner = this.#text
      .slice(start, end)
      .replace(new RegExp(`((?:\\\\\\\\)*)\\\\${quote}|(\\\\+)$`, 'g'), (_, before, last) =>
        last === undefined
          ? `${String(before).slice(0, before.length / 2)}${quote}`
          : String(last).slice(0, Math.ceil(last.length / 2)),
      );
    this.#at = end + 1;
    return { kind: 'text', parts: parseInterpolations(inner), isQuoted: true, isEscaped: false };
  }

  /** Unquoted text up to one of `stops`; escapes and inner interpolations count. */
  #primitive(stops: string): Argument {
    this.#spaces();
    const parts: Part[] = [];
    let [literal, isEscaped, trailing] = ['', false, 0];
    const flush = () => {
      if (literal !== '') parts.push(literal);
      [literal, trailing] = ['', 0];
    };
    while (this.#at < this.#text.length && !stops.includes(this.#text[this.#at] as string)) {
      const char = this.#text[this.#at] as string;
      if (this.#text.startsWith('${', this.#at)) {
        flush();
        parts.push(this.#interpolation());
        continue;
      }
      const isEscape = char === '\\' && escapable.has(this.#text[this.#at + 1] ?? '');
      literal += isEscape ? this.#text[this.#at + 1] : char;
      isEscaped ||= isEscape;
      trailing = !isEscape && /[ \t]/.test(char) ? trailing + 1 : 0;
      this.#at += isEscape ? 2 : 1;
    }
    literal = trailing === 0 ? literal : literal.slice(0, -trailing);
    flush();
    if (parts.length === 0) parts.push('');
    return { kind: 'text', parts, isQuoted: false, isEscaped };
  }

  #matchWord(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #expect(char: string): void {
    this.#spaces();
    if (!this.#take(char)) this.#fail();
  }

  #spaces(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
  }

  #fail(): never {
    const what = this.#at >= this.#text.length ? 'it ends too early' : `unexpected "${this.#text.slice(this.#at)}"`;
    return fail(
      'INTERPOLATION',
      `cannot read the interpolation in "${this.#text}": ${what}; write \\\${ for a plain \${`,
    );
  }
}
