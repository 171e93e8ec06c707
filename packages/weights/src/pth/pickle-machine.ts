import { clip } from '../positioned-file.ts';
import { asText, findGlobal, isGlobal, isObject, type PickledGlobal } from './pickle-globals.ts';

/** What a pickle asked for that will not be done. */
export class PickleRefusal extends Error {}

/** So many steps, and bytes or items copied by calls, are more than a hundred thousand tensors need. */
const [maxSteps, maxCopied] = [1 << 22, 1 << 26];

/** The state of one unpickling: a cursor in the bytes, a stack, and a memo of values seen. */
export class PickleMachine {
  readonly stack: unknown[] = [];
  readonly marks: number[] = [];
  readonly memo = new Map<number, unknown>();
  private steps = 0;
  private copied = 0;
  position: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  readonly loadPersistent: (id: unknown) => unknown;

  constructor(bytes: Uint8Array, position: number, loadPersistent: (id: unknown) => unknown) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
    this.loadPersistent = loadPersistent;
  }

  /** Moves the cursor over `length` bytes and returns where they start. */
  private skip(length: number): number {
    const start = this.position;
    if (length > this.bytes.length - start) throw new RangeError(`the pickle ends within the value at byte ${start}`);
    this.position += length;
    return start;
  }

  /** One byte may make a container of hundreds, so that the file's size is no bound. */
  countStep(): void {
    if (++this.steps > maxSteps) throw new RangeError(`the pickle has more than ${maxSteps} steps`);
  }

  /** A value of the memo may be an argument again and again. */
  countCopied(args: readonly unknown[]): void {
    for (const arg of args) this.copied += Array.isArray(arg) || typeof arg === 'string' ? arg.length : 0;
    if (this.copied > maxCopied) throw new RangeError(`the pickle copies more than ${maxCopied} items`);
  }

  u8 = (): number => this.view.getUint8(this.skip(1));
  u16 = (): number => this.view.getUint16(this.skip(2), true);
  i32 = (): number => this.view.getInt32(this.skip(4), true);
  u32 = (): number => this.view.getUint32(this.skip(4), true);
  u64 = (): number => Number(this.view.getBigUint64(this.skip(8), true));
  f64 = (): number => this.view.getFloat64(this.skip(8)); // the one big-endian number
  take = (length: number): Uint8Array => this.bytes.slice(this.skip(length), this.position);
  text = (length: number): string => new TextDecoder('utf-8', { fatal: true }).decode(this.take(length));

  /** Text up to the next line feed. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) throw new RangeError(`the pickle ends within the line at byte ${this.position}`);
    const line = this.text(end - this.position);
    this.position++;
    return line;
  }

  /** A little-endian two's-complement integer. */
  long(length: number): number | bigint {
    const hex = Buffer.from(this.take(length)).reverse().toString('hex');
    const value = length === 0 ? 0n : BigInt.asIntN(8 * length, BigInt(`0x${hex}`));
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  push(value: unknown): void {
    this.stack.push(value);
  }

  pop(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw new RangeError('the stack is empty');
    return this.stack.pop();
  }

  top(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw new RangeError('the stack is empty');
    return this.stack.at(-1);
  }

  popToMark(): unknown[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw new RangeError('there is no mark on the stack');
    return this.stack.splice(mark);
  }

  popMany(count: number): unknown[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  recall(index: number): unknown {
    if (!this.memo.has(index)) throw new RangeError(`memo ${index} was never set`);
    return this.memo.get(index);
  }
}

export function pushGlobal(machine: PickleMachine, module: unknown, name: unknown): void {
  const wanted = `${asText(module)}.${asText(name)}`;
  const global = findGlobal(wanted);
  if (!global) throw new PickleRefusal(`the global ${clip(wanted)}`);
  machine.push(global);
}

/** REDUCE and NEWOBJ: an allowed stand-in gets its arguments; anything else is refused. */
export function construct(machine: PickleMachine): void {
  const [callee, args] = machine.popMany(2);
  if (!isGlobal(callee)) throw new PickleRefusal('a call of something that is no known class or function');
  if (!Array.isArray(args)) throw new TypeError(`${callee.name} is called without a tuple of arguments`);
  machine.countCopied(args);
  machine.push((callee as PickledGlobal).call(args));
}

/** BUILD: state set on a dict (PyTorch's `_metadata` on a state dict) is dropped, that of an inert object kept. */
export function build(machine: PickleMachine): void {
  const state = machine.pop();
  const target = machine.top();
  if (isObject(target)) target.state = state;
  else if (!(target instanceof Map)) throw new PickleRefusal('a state set on something that is no plain container');
}

export function setItems(machine: PickleMachine, items: unknown[]): void {
  const target = machine.top();
  const entries = isObject(target) ? target.entries : target;
  if (!(entries instanceof Map)) throw new PickleRefusal('items set on something that is no dict');
  if (items.length % 2 !== 0) throw new RangeError('a key without a value');
  for (let i = 0; i < items.length; i += 2) entries.set(items[i], items[i + 1]);
}

export function appendItems(machine: PickleMachine, items: unknown[]): void {
  const target = machine.top();
  const list = isObject(target) ? target.items : target;
  if (!Array.isArray(list)) throw new PickleRefusal('items appended to something that is no list');
  for (const item of items) list.push(item);
}

export function addItems(machine: PickleMachine, items: unknown[]): void {
  const target = machine.top();
  if (!(target instanceof Set)) throw new PickleRefusal('items added to something that is no set');
  for (const item of items) target.add(item);
}
