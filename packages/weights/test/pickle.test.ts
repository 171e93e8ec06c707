import { describe, expect, test } from 'vitest';
import { readPickle } from '../src/pth/pickle.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const refusePersistent = (id: unknown): never => {
  throw new TypeError(`persistent id ${String(id)}`);
};
const read = (text: string): unknown =>
  readPickle(bytes(text), { path: 'x.pth', loadPersistent: refusePersistent }).value;

describe('plain data is read', () => {
  // Each was printed by Python's pickle.dumps(value, protocol).
  const cases: [what: string, pickle: string, value: unknown][] = [
    ['None and booleans', '\x80\x02N\x88\x89\x87.', [null, true, false]],
    ['small and negative integers', '\x80\x02(K\x01M\xe8\x03J\xff\xff\xff\xfft.', [1, 1000, -1]],
    ['long integers', '\x80\x02\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00\x8a\x01\x80\x86.', [2n ** 64n - 1n, -128]],
    ['floats', '\x80\x02G?\xb9\x99\x99\x99\x99\x99\x9a.', 0.1],
    ['texts', '\x80\x02X\x02\x00\x00\x00\xc3\xa9q\x00.', 'é'],
    ['bytes of protocol 3', '\x80\x03C\x02\x00\xff.', new Uint8Array([0, 255])],
    [
      'bytes of protocol 2',
      '\x80\x02c_codecs\nencode\nX\x03\x00\x00\x00\x00\xc3\xbfX\x06\x00\x00\x00latin1\x86R.',
      new Uint8Array([0, 255]),
    ],
    ['lists that share a member', '\x80\x02]q\x00(]q\x01K\x01ah\x01e.', [[1], [1]]],
    ['dicts', '\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94K\x01K\x02Nu.', new Map<unknown, unknown>([['a', 1], [2, null]])], // biome-ignore format: a table
    ['sets', '\x80\x04\x8f\x94(K\x01K\x02\x90.', new Set([1, 2])],
    ['OrderedDicts', '\x80\x02ccollections\nOrderedDict\n)RX\x01\0\0\0aK\x01s.', new Map([['a', 1]])],
  ];
  test.each(cases)('%s', (_, pickle, value) => {
    expect(read(pickle)).toEqual(value);
  });

  test('a list that holds itself', () => {
    const list = read('\x80\x02]q\x00h\x00a.') as unknown[];
    expect(list[0]).toBe(list);
  });

  test('an object of an OmegaConf class, as data', () => {
    const object = read('\x80\x02comegaconf.nodes\nAnyNode\n)\x81}X\x04\0\0\0_valK\x05sb.');
    expect(object).toMatchObject({
      kind: 'object',
      className: 'omegaconf.nodes.AnyNode',
      state: new Map([['_val', 5]]),
    });
  });
});

describe('code is refused by name, and nothing is run', () => {
  const cases: [what: string, pickle: string, named: string][] = [
    ['os.system', '\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.', 'the global os.system'],
    ['os.system as Python 3 names it', '\x80\x02cposix\nsystem\nX\x02\0\0\0id\x85R.', 'the global posix.system'],
    ['builtins.eval', '\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.', 'the global builtins.eval'],
    ['eval of Python 2', '\x80\x02c__builtin__\neval\n.', 'the global __builtin__.eval'],
    ['getattr', '\x80\x02c__builtin__\ngetattr\n.', 'the global __builtin__.getattr'],
    ['subprocess', '\x80\x02csubprocess\nPopen\n.', 'the global subprocess.Popen'],
    [
      'a dotted name under an allowed module',
      '\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__\x93.',
      'the global collections.OrderedDict.__init__',
    ],
    ['a name of JavaScript objects', '\x80\x02ctorch\nconstructor\n.', 'the global torch.constructor'],
    [
      'an imported module inside an allowed package',
      '\x80\x02comegaconf.base\nsys.modules\n.',
      'the global omegaconf.base.sys.modules',
    ],
    [
      'OmegaConf functions outside its containers',
      '\x80\x02comegaconf.omegaconf\nregister_resolver\n.',
      'the global omegaconf.omegaconf.register_resolver',
    ],
    ["torch's own code", '\x80\x02ctorch.hub\nload\n.', 'the global torch.hub.load'],
    [
      'arrays of NumPy',
      '\x80\x02cnumpy.core.multiarray\n_reconstruct\n.',
      'the global numpy.core.multiarray._reconstruct',
    ],
    ['an opcode that instantiates (INST)', '\x80\x02(ios\nsystem\n.', 'the opcode 0x69 (INST)'],
    ['an opcode that instantiates (OBJ)', '\x80\x02(K\x01o.', 'the opcode 0x6f (OBJ)'],
    ['a call with keywords (NEWOBJ_EX)', '\x80\x04)}\x92.', 'the opcode 0x92 (NEWOBJ_EX)'],
    ['the extension registry', '\x80\x02\x82\x01.', 'the opcode 0x82 (EXT1)'],
    ['opcodes of protocol 0', 'I1\n.', 'the opcode 0x49 (INT)'],
    ['protocol 5', '\x80\x05N.', 'protocol 5 (known: 2, 3, 4)'],
    ['a call of data', '\x80\x02K\x01)R.', 'a call of something that is no known class'],
    [
      'a state set on a class',
      '\x80\x02ccollections\nOrderedDict\n}b.',
      'a state set on something that is no plain container',
    ],
    ['items set on a list', '\x80\x02]K\x01K\x02s.', 'items set on something that is no dict'],
  ];
  test.each(cases)('%s', (_, pickle, named) => {
    expect(() => read(pickle)).toThrow(expect.objectContaining({ code: 'CROSSCHECK_PICKLE_REFUSED' }));
    expect(() => read(pickle)).toThrow(`x.pth needs ${named}`);
  });
});

describe('bytes that are no whole pickle are called damaged', () => {
  const cases: [what: string, pickle: string, message: RegExp][] = [
    ['empty', '', /pickle, byte 0/],
    ['no end', '\x80\x02N', /byte 3/],
    ['a text longer than the file', '\x80\x02X\xff\xff\xff\x7fab.', /ends within the value at byte 7/],
    ['a pop from nothing', '\x80\x020.', /the stack is empty/],
    ['a tuple of nothing', '\x80\x02\x87.', /the stack is empty/],
    ['a pop through a mark', '\x80\x02N(0.', /the stack is empty/],
    ['no mark', '\x80\x02t.', /no mark/],
    ['an unknown memo', '\x80\x02h\x05.', /memo 5 was never set/],
    ['a key without a value', '\x80\x02}(K\x01u.', /a key without a value/],
    ['a storage out of nothing', '\x80\x02K\x01Q.', /persistent id 1/],
    [
      'a tensor of no storage',
      '\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NK\x00))\x89Nt' + 'R.',
      /a tensor is not built of a storage/,
    ],
    ['a storage type that is called', '\x80\x02ctorch\nFloatStorage\n)R.', /torch\.FloatStorage is called/],
  ];
  test.each(cases)('%s', (_, pickle, message) => {
    expect(() => read(pickle)).toThrow(expect.objectContaining({ code: 'CROSSCHECK_WEIGHTS_CORRUPT' }));
    expect(() => read(pickle)).toThrow(message);
  });

  const loadTensor = (sizes: string): unknown => {
    const storage = { kind: 'storage', dtype: 'F32', key: '0', elements: 4 };
    const pickle = bytes(`\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(K\x00Q${sizes}\x89NtR.`);
    return readPickle(pickle, { path: 'x.pth', loadPersistent: () => storage }).value;
  };

  test('a tensor that reaches beyond its storage', () => {
    expect(() => loadTensor('K\x01K\x04\x85K\x01\x85')).toThrow('a tensor [4] reaches element 5 of a storage of 4');
  });

  test('a tensor that repeats its storage without a bound', () => {
    expect(loadTensor('K\x00M\xff\x7f\x85K\x00\x85')).toMatchObject({ shape: [0x7fff], strides: [0] });
    const huge = () => loadTensor('K\x00M\xff\xffM\xff\xff\x86K\x00K\x00\x86');
    expect(huge).toThrow('[65535, 65535] with the strides [0, 0] repeats a storage of 4 elements');
    expect(() => loadTensor(`K\x00(${'J\xff\xff\xff\x7f'.repeat(64)}t(${'K\x00'.repeat(64)}t`)).toThrow(
      'a tensor [2147483647, ',
    );
    expect(() => loadTensor(`K\x00(${'K\x01'.repeat(65)}t(${'K\x00'.repeat(65)}t`)).toThrow('a tensor is not built');
  });

  test('lists in lists where a text stands: their text would be longer than any memory', () => {
    const nested = `]q\x00${'0]h\x00ah\x00aq\x00'.repeat(60)}`;
    expect(() => read(`\x80\x02c_codecs\nencode\n${nested}\x85R.`)).toThrow('where a text is needed');
    expect(() => read(`\x80\x04${nested}\x8c\x01a\x93.`)).toThrow('where a text is needed');
  });

  test('more containers, or more copies of one text, than any table of tensors has', () => {
    expect(() => read(`\x80\x02${')'.repeat(2 ** 22)}.`)).toThrow('more than 4194304 steps');
    const text = `X\x00\x00\x10\x00${'x'.repeat(2 ** 20)}q\x00`;
    const copies = 'c_codecs\nencode\nh\x00\x85R0'.repeat(100);
    expect(() => read(`\x80\x02${text}${copies}.`)).toThrow('copies more than 67108864');
  });
});
