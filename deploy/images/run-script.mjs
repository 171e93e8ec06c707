// `node --conditions=@crosscheck/source deploy/images/run-script.mjs train data.root_dir=data`: what `pnpm train data.root_dir=data` runs, in this very
// process. In an image nothing may stand between its process 1 and node: pnpm does not pass SIGTERM on, and training would be killed unsaved.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const root = path.resolve(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const entries = Object.fromEntries(
  Object.entries(scripts).flatMap(([name, command]) => {
    const entry = /^node --conditions=@crosscheck\/source (packages\/\S+)$/.exec(command)?.[1];
    return entry ? [[name, path.join(root, entry)]] : [];
  }),
);

const [node, , name = '', ...args] = process.argv;
if (name in entries) {
  process.argv = [node, entries[name], ...args];
  await import(pathToFileURL(entries[name]).href);
} else {
  process.stderr.write(`expected a command, got "${name}"; commands: ${Object.keys(entries).sort().join(', ')}\n`);
  process.exitCode = 2;
}
