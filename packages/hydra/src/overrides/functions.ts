import { fail } from '../errors.ts';
import { type ConfigNode, fromPlain, type ScalarNode, stringNode } from '../tree/node.ts';
import { pythonFloat, typedScalar } from '../tree/scalar.ts';
import {
  type ChoiceSweep,
  type GlobSweep,
  type IntervalSweep,
  isSweep,
  type RangeSweep,
  type Sweep,
} from './override.ts';

type Argument = ConfigNode | Sweep;

interface Call {
  positional: Argument[];
  named: Record<string, Argument>;
  /** The whole override, for messages. */
  input: string;
}

/** The functions of the override grammar, as Hydra 1.3 has them. */
const functions: Record<string, (call: Call) => Argument> = {
  bool: (call) => castAll(call, toBool),
  choice,
  float: (call) => castAll(call, toFloat),
  glob,
  int: (call) => castAll(call, toInt),
  interval,
  range,
  shuffle,
  sort,
  str: (call) => castAll(call, toText),
  tag,
};

const named: Record<string, string[]> = {
  bool: ['value'],
  choice: [],
  float: ['value'],
  glob: ['include', 'exclude'],
  int: ['value'],
  interval: ['start', 'end'],
  range: ['start', 'stop', 'step'],
  shuffle: ['sweep', 'list'],
  sort: ['sweep', 'list', 'reverse'],
  str: ['value'],
  tag: ['sweep'],
};

export function callFunction(name: string, call: Call): Argument {
  const body = functions[name];
  if (body === undefined) {
    const available = Object.keys(functions).join(', ');
    return refuse(
      call,
      `unknown function ${name}; available: ${available}; to use it as text, put the value in quotes`,
    );
  }
  for (const argument of Object.keys(call.named)) {
    const allowed = named[name] ?? [];
    if (!allowed.includes(argument))
      refuse(call, `${name} has no argument ${argument}; it has: ${allowed.join(', ') || 'none'}`);
  }
  return body(call);
}

function refuse(call: Call, message: string): never {
  return fail('BAD_OVERRIDE', `cannot read the override ${call.input}: ${message}`);
}

/** Arguments by position or by name, as a Python signature would bind them. */
function bind(call: Call, names: string[]): (Argument | undefined)[] {
  if (call.positional.length > names.length) refuse(call, `too many arguments; it takes ${names.join(', ')}`);
  return names.map((name, index) => call.positional[index] ?? call.named[name]);
}

function isNumber(value: Argument | undefined): value is ScalarNode & { value: number } {
  return value?.kind === 'scalar' && (value.type === 'int' || value.type === 'float');
}

function numberArgument(call: Call, value: Argument | undefined, name: string): ScalarNode {
  if (isNumber(value)) return value;
  return refuse(call, `${name} must be a number`);
}

function choice(call: Call): Argument {
  const [first] = call.positional;
  if (first === undefined) return refuse(call, 'choice() needs at least one value');
  if (call.positional.length === 1 && first.kind === 'choice') {
    return first.simple ? { ...first, simple: false } : refuse(call, 'a choice cannot be inside a choice');
  }
  return {
    kind: 'choice',
    simple: false,
    list: call.positional.map((value) => plain(call, value)),
    shuffle: false,
    tags: [],
  };
}

function plain(call: Call, value: Argument): ConfigNode {
  return isSweep(value) ? refuse(call, 'a sweep cannot be an element here') : value;
}

function range(call: Call): RangeSweep {
  const [first, second, third] = bind(call, ['start', 'stop', 'step']);
  const zero = typedScalar('0');
  const start = second === undefined ? zero : numberArgument(call, first, 'start');
  const stop = numberArgument(call, second ?? first, 'stop');
  const step = third === undefined ? typedScalar('1') : numberArgument(call, third, 'step');
  if (step.value === 0) refuse(call, 'step must not be 0');
  return { kind: 'range', start, stop, step, shuffle: false, tags: [] };
}

function interval(call: Call): IntervalSweep {
  const [start, end] = bind(call, ['start', 'end']);
  return {
    kind: 'interval',
    start: toFloat(numberArgument(call, start, 'start'), call),
    end: toFloat(numberArgument(call, end, 'end'), call),
    tags: [],
  };
}

function glob(call: Call): GlobSweep {
  const [include, exclude] = bind(call, ['include', 'exclude']);
  if (include === undefined) return refuse(call, 'glob() needs a pattern');
  return {
    kind: 'glob',
    include: patterns(call, include),
    exclude: exclude === undefined ? [] : patterns(call, exclude),
  };
}

function patterns(call: Call, value: Argument): string[] {
  const list = value.kind === 'list' ? value.items : [value];
  return list.map((item) => {
    if (item.kind === 'scalar' && item.type === 'string') return item.value as string;
    return refuse(call, 'glob patterns must be text');
  });
}

function tag(call: Call): Argument {
  const values = [...call.positional, ...Object.values(call.named)];
  const sweep = values.pop();
  if (sweep === undefined || !isSweep(sweep) || sweep.kind === 'glob') {
    return refuse(call, 'the last argument of tag() must be a choice(), range() or interval()');
  }
  const tags = values.map((value) => {
    if (value.kind === 'scalar' && value.type === 'string') return value.value as string;
    return refuse(call, 'tags must be text');
  });
  return { ...sweep, tags: [...new Set(tags)].sort() };
}

function shuffle(call: Call): Argument {
  const values = call.named.list ?? call.named.sweep;
  const all = values === undefined ? call.positional : [values];
  const [only] = all;
  if (all.length === 1 && only !== undefined) {
    if (only.kind === 'choice' || only.kind === 'range') return { ...only, shuffle: true };
    if (only.kind === 'list') return { ...only, items: shuffled(only.items) };
    return { kind: 'list', items: [plain(call, only)], origin: `override ${call.input}` };
  }
  return { ...simpleChoice(call, all), shuffle: true };
}

/** A random order (Fisher–Yates). */
export function shuffled<T>(items: readonly T[], random: () => number = Math.random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

function simpleChoice(call: Call, values: Argument[]): ChoiceSweep {
  if (values.length === 0) refuse(call, 'it needs at least one value');
  return { kind: 'choice', simple: true, list: values.map((value) => plain(call, value)), shuffle: false, tags: [] };
}

function sort(call: Call): Argument {
  const reverse = call.named.reverse;
  const isReverse = reverse?.kind === 'scalar' && reverse.value === true;
  const values = call.named.list ?? call.named.sweep;
  const all = values === undefined ? call.positional : [values];
  const [only] = all;
  if (all.length !== 1 || only === undefined) return sortedChoice(call, simpleChoice(call, all), isReverse);
  if (only.kind === 'choice') return sortedChoice(call, only, isReverse);
  if (only.kind === 'range') return sortedRange(only, isReverse);
  if (only.kind === 'list') return { ...only, items: sorted(call, only.items, isReverse) };
  return only;
}

function sortedChoice(call: Call, sweep: ChoiceSweep, reverse: boolean): ChoiceSweep {
  return { ...sweep, list: sorted(call, sweep.list, reverse) };
}

function sorted(call: Call, items: readonly ConfigNode[], reverse: boolean): ConfigNode[] {
  const keys = items.map((item) =>
    item.kind === 'scalar' && item.value !== null ? item.value : refuse(call, 'only numbers or texts can be sorted'),
  );
  const texts = keys.filter((key) => typeof key === 'string').length;
  if (texts !== 0 && texts !== keys.length) refuse(call, 'numbers and texts cannot be sorted together');
  const order = items.map((_, index) => index);
  const sign = reverse ? -1 : 1;
  order.sort((a, b) => {
    const [x, y] = [keys[a] as number, keys[b] as number];
    return x < y ? -sign : x > y ? sign : 0;
  });
  return order.map((index) => items[index] as ConfigNode);
}

function sortedRange(sweep: RangeSweep, reverse: boolean): RangeSweep {
  const [start, stop, step] = [sweep.start.value, sweep.stop.value, sweep.step.value] as [number, number, number];
  if (reverse ? start >= stop : start <= stop) return sweep;
  const shift = reverse ? -Math.abs(step) : Math.abs(step);
  const number = (value: number) => fromPlain(value) as ScalarNode;
  return { ...sweep, start: number(stop + shift), stop: number(start + shift), step: number(-step) };
}

type Cast = (value: ScalarNode, call: Call) => ScalarNode;

function castAll(call: Call, cast: Cast): Argument {
  const value = call.named.value;
  if (value !== undefined && call.positional.length > 0)
    refuse(call, 'give the value by position or by name, not both');
  const all = value === undefined ? call.positional : [value];
  const [only] = all;
  return all.length === 1 && only !== undefined
    ? castOne(only, cast, call)
    : castOne(simpleChoice(call, all), cast, call);
}

function castOne(value: Argument, cast: Cast, call: Call): Argument {
  if (value.kind === 'choice')
    return { ...value, list: value.list.map((item) => castOne(item, cast, call) as ConfigNode) };
  if (value.kind === 'range' || value.kind === 'interval') return castBounds(value, cast, call);
  if (value.kind === 'glob') return refuse(call, 'a glob cannot be cast');
  if (value.kind === 'list')
    return { ...value, items: value.items.map((item) => castOne(item, cast, call) as ConfigNode) };
  if (value.kind === 'map') {
    const entries = [...value.entries].map(([key, item]) => [key, castOne(item, cast, call) as ConfigNode] as const);
    return { ...value, entries: new Map(entries) };
  }
  if (value.type === 'null') return refuse(call, 'null cannot be cast');
  return { ...cast(value, call), origin: value.origin };
}

function castBounds(sweep: RangeSweep | IntervalSweep, cast: Cast, call: Call): Sweep {
  if (cast !== toInt && cast !== toFloat) return refuse(call, 'a range or interval can only be cast to int or float');
  if (sweep.kind === 'interval') return { ...sweep, start: cast(sweep.start, call), end: cast(sweep.end, call) };
  return { ...sweep, start: cast(sweep.start, call), stop: cast(sweep.stop, call), step: cast(sweep.step, call) };
}

function toInt(value: ScalarNode, call: Call): ScalarNode {
  const fromText = value.type === 'string' ? typedScalar(String(value.value).trim()) : value;
  if (fromText.type === 'string' || (value.type === 'string' && fromText.type !== 'int'))
    refuse(call, `"${value.text}" is not an int`);
  const number = Number(fromText.value);
  if (!Number.isFinite(number)) refuse(call, `${value.text} is not an int`);
  const whole = Math.trunc(number);
  return { kind: 'scalar', type: 'int', value: whole, text: String(whole), origin: '' };
}

function toFloat(value: ScalarNode, call: Call): ScalarNode {
  const fromText = value.type === 'string' ? typedScalar(String(value.value).trim()) : value;
  if (fromText.type !== 'int' && fromText.type !== 'float' && fromText.type !== 'bool')
    refuse(call, `"${value.text}" is not a float`);
  const number = Number(fromText.value);
  return { kind: 'scalar', type: 'float', value: number, text: pythonFloat(number), origin: '' };
}

function toText(value: ScalarNode): ScalarNode {
  if (value.type === 'string') return value;
  return stringNode(value.type === 'float' ? pythonFloat(value.value as number) : String(value.value));
}

function toBool(value: ScalarNode, call: Call): ScalarNode {
  const lower = String(value.value).toLowerCase();
  if (value.type === 'string' && lower !== 'true' && lower !== 'false')
    refuse(call, `"${value.text}" is not true or false`);
  const truth = value.type === 'string' ? lower === 'true' : Boolean(value.value) || Number.isNaN(value.value);
  return { kind: 'scalar', type: 'bool', value: truth, text: String(truth), origin: '' };
}
