import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { corrupt } from '../positioned-file.ts';
import {
  addItems,
  appendItems,
  build,
  construct,
  PickleMachine,
  PickleRefusal,
  pushGlobal,
  setItems,
} from './pickle-machine.ts';

type Operation = (machine: PickleMachine) => void;

/** Every opcode that is carried out, by its byte: those of protocols 2 to 4 that build plain data. */
// biome-ignore format: a table
const table: readonly (readonly [code: number | string, run: Operation])[] = [
  [0x80, (m) => checkProtocol(m.u8())], // PROTO
  [0x95, (m) => void m.u64()], // FRAME
  ['N', (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  ['K', (m) => m.push(m.u8())],
  ['M', (m) => m.push(m.u16())],
  ['J', (m) => m.push(m.i32())],
  ['G', (m) => m.push(m.f64())],
  [0x8a, (m) => m.push(m.long(m.u8()))],
  ['X', (m) => m.push(m.text(m.u32()))], // texts and bytes, by the size of their length
  [0x8c, (m) => m.push(m.text(m.u8()))],
  [0x8d, (m) => m.push(m.text(m.u64()))],
  ['B', (m) => m.push(m.take(m.u32()))],
  ['C', (m) => m.push(m.take(m.u8()))],
  [0x8e, (m) => m.push(m.take(m.u64()))],
  ['U', (m) => m.push(m.text(m.u8()))],
  ['T', (m) => m.push(m.text(m.u32()))],
  ['(', (m) => m.marks.push(m.stack.length)],
  ['0', (m) => void m.pop()],
  ['1', (m) => void m.popToMark()],
  [')', (m) => m.push([])], // tuples are arrays, like lists
  [0x85, (m) => m.push(m.popMany(1))],
  [0x86, (m) => m.push(m.popMany(2))],
  [0x87, (m) => m.push(m.popMany(3))],
  ['t', (m) => m.push(m.popToMark())],
  [']', (m) => m.push([])],
  ['a', (m) => appendItems(m, m.popMany(1))],
  ['e', (m) => appendItems(m, m.popToMark())],
  ['}', (m) => m.push(new Map())],
  ['s', (m) => setItems(m, m.popMany(2))],
  ['u', (m) => setItems(m, m.popToMark())],
  [0x8f, (m) => m.push(new Set())],
  [0x90, (m) => addItems(m, m.popToMark())],
  [0x91, (m) => m.push(new Set(m.popToMark()))],
  ['q', (m) => void m.memo.set(m.u8(), m.top())], // the memo
  ['r', (m) => void m.memo.set(m.u32(), m.top())],
  [0x94, (m) => void m.memo.set(m.memo.size, m.top())],
  ['h', (m) => m.push(m.recall(m.u8()))],
  ['j', (m) => m.push(m.recall(m.u32()))],
  ['c', (m) => pushGlobal(m, m.line(), m.line())], // stand-ins for classes, never the classes
  [0x93, (m) => { const [module, name] = m.popMany(2); pushGlobal(m, module, name); }],
  ['R', construct],
  [0x81, construct],
  ['b', build],
  ['Q', (m) => m.push(m.loadPersistent(m.pop()))],
];
const operations = new Map(table.map(([code, run]) => [typeof code === 'string' ? code.charCodeAt(0) : code, run]));

/** A longer one is no table of tensors: that of the default network takes 40 kB. */
export const maxPickleBytes: number = 1 << 26;

/** Names of opcodes that are refused, for the message. */
// biome-ignore format: a table
const refusedNames: Readonly<Record<number, string>> = {
  0x49: 'INT', 0x4c: 'LONG', 0x46: 'FLOAT', 0x53: 'STRING', 0x56: 'UNICODE', 0x50: 'PERSID', 0x69: 'INST', 0x6f: 'OBJ',
  0x64: 'DICT', 0x6c: 'LIST', 0x67: 'GET', 0x70: 'PUT', 0x32: 'DUP', 0x82: 'EXT1', 0x83: 'EXT2', 0x84: 'EXT4', 0x8b: 'LONG4',
  0x92: 'NEWOBJ_EX', 0x96: 'BYTEARRAY8', 0x97: 'NEXT_BUFFER', 0x98: 'READONLY_BUFFER',
};

const stopCode = '.'.charCodeAt(0);
const protocols = [2, 3, 4];

function checkProtocol(protocol: number): void {
  if (!protocols.includes(protocol)) throw new PickleRefusal(`protocol ${protocol} (known: ${protocols.join(', ')})`);
}

export interface Unpickled {
  readonly value: unknown;
  /** Position behind the pickle's last byte. */
  readonly end: number;
}

/**
 * Reads a pickle as data. Dicts become Maps, lists and tuples arrays, bytes Uint8Arrays; nothing is imported and nothing is
 * called: an opcode or a class outside the few that tensors and plain containers need is an error.
 *
 * @param loadPersistent what a persistent id (PyTorch's way to point to a storage) stands for
 * @throws CROSSCHECK_PICKLE_REFUSED naming the opcode or the class
 * @throws CROSSCHECK_WEIGHTS_CORRUPT when the bytes are no whole pickle
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py for what the opcodes mean
 */
export function readPickle(
  bytes: Uint8Array,
  { path, start = 0, loadPersistent }: { path: string; start?: number; loadPersistent: (id: unknown) => unknown },
): Unpickled {
  const machine = new PickleMachine(bytes, start, loadPersistent);
  let at = start;
  try {
    for (let code = machine.u8(); code !== stopCode; at = machine.position, code = machine.u8()) run(machine, code);
    return { value: machine.pop(), end: machine.position };
  } catch (error) {
    throw error instanceof PickleRefusal
      ? refused(path, at, error)
      : corrupt(path, `pickle, byte ${at}: ${messageOf(error)}`, error);
  }
}

function run(machine: PickleMachine, code: number): void {
  const operation = operations.get(code);
  if (!operation)
    throw new PickleRefusal(`the opcode 0x${code.toString(16)}${refusedNames[code] ? ` (${refusedNames[code]})` : ''}`);
  machine.countStep();
  operation(machine);
}

function refused(path: string, at: number, { message }: PickleRefusal): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_PICKLE_REFUSED',
    `${path} needs ${message} at byte ${at} of its pickle; only tensors and plain containers are read, nothing is run. ` +
      `If you trust the file, save its state_dict() alone, or convert it to .safetensors with PyTorch`,
  );
}
