// What the source files of a package import, as written: static, dynamic and type-only imports alike.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const comments = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;
const specifiers = [
  /^(?:import|export)\b[^;'"`]*?\bfrom\s*'([^']+)'/gm,
  /^import\s*'([^']+)'/gm,
  /\bimport\(\s*'([^']+)'\s*\)/g,
];

function specifiersOf(text) {
  const code = text.replace(comments, '');
  return specifiers.flatMap((pattern) => [...code.matchAll(pattern)].map(([, specifier]) => specifier));
}

/** File → what it imports; files of ours as paths from the root, packages by their names, Node's own as `node:…`. */
export function readImports(root, folder) {
  const files = globSync(`${folder}/**/*.{ts,mts}`, { cwd: root });
  return new Map(
    files.map((file) => [
      file,
      specifiersOf(readFileSync(path.join(root, file), 'utf8')).map((name) => targetOf(file, name)),
    ]),
  );
}

const targetOf = (file, name) => (name.startsWith('.') ? path.join(path.dirname(file), name) : packageOf(name));

/** `@huggingface/tokenizers/x` → `@huggingface/tokenizers` */
export function packageOf(name) {
  if (name.startsWith('node:')) return name;
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Groups of files that reach each other through imports (Tarjan's strongly connected components). */
export function findCycles(imports) {
  const [index, low, stack, cycles] = [new Map(), new Map(), [], []];
  const visit = (file) => {
    index.set(file, index.size);
    low.set(file, index.get(file));
    stack.push(file);
    for (const next of imports.get(file) ?? []) {
      if (!imports.has(next)) continue;
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(file, Math.min(low.get(file), low.get(next)));
    }
    if (low.get(file) !== index.get(file)) return;
    const members = stack.splice(stack.indexOf(file));
    if (members.length > 1 || imports.get(file).includes(file)) cycles.push(members.sort((a, b) => (a < b ? -1 : 1)));
  };
  for (const file of imports.keys()) if (!index.has(file)) visit(file);
  return cycles;
}
