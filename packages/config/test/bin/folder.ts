import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Finished, runEntry, temporaryFolder } from '@crosscheck/testkit';

const files: Record<string, string> = {
  'config.yaml':
    'defaults:\n  - greeting: short\n  - _self_\nhydra:\n  run:\n    dir: out/${now:%Y}/${greeting.text}\n  sweep:\n    dir: many/${now:%Y}\n',
  'greeting/short.yaml': 'text: hi\ntimes: 1\n',
  'greeting/long.yaml': 'text: good morning\ntimes: 2\nmode: plain\n',
  'other.yaml': 'greeting: {text: other}\n',
};

/** A working directory with `configs/` for `greet.ts`, and the way to run it there. */
export function greetFolder(): {
  dir: string;
  remove: () => void;
  greet: (args: string[], env?: Record<string, string>) => Promise<Finished>;
} {
  const { dir, remove } = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(dir, 'configs', name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const entry = 'packages/config/test/bin/greet.ts';
  return { dir, remove, greet: (args, env = {}) => runEntry(entry, args, { cwd: dir, env }) };
}
