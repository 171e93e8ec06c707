// Takes out of a `pnpm deploy --prod` folder what no service ever opens, and says what that saved.
//
//   node deploy/images/prune.mjs FOLDER
//
// Plain JavaScript without dependencies: it runs in the build stage of Dockerfile-serve, for the platform of the image.
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

const [, , folder] = process.argv;
if (!folder) throw new Error('usage: node deploy/images/prune.mjs FOLDER');

const inPackage = String.raw`node_modules/(?:@[^/]+/)?[^/@.][^/]*/`;
const tooling = 'test|tests|__tests__|docs?|examples?|bench|benchmarks?|\\.github';
const here = `${process.platform}/${process.arch}`;

/** What goes, by its path from the folder. */
const rules = [
  {
    what: "onnxruntime's libraries for other platforms",
    path: new RegExp(`/onnxruntime-node/bin/napi-v\\d+/(?!${here}$)\\w+/\\w+$`),
  },
  { what: 'type declarations and source maps', path: /\.(map|d\.[cm]?ts|tsbuildinfo)$/ },
  { what: 'packages of types', path: /node_modules\/(\.pnpm\/)?(@types$|@types\+|undici-types(@|$))[^/]*$/ },
  { what: 'tests, documents, benchmarks of packages', path: new RegExp(`${inPackage}(?:${tooling})$`) },
  { what: 'prose', path: /\/(?!licen[cs]e|notice|copying)[^/]+\.(md|markdown)$/i },
  {
    what: "libheif's builds that carry the WebAssembly within",
    path: /node_modules\/libheif-js\/(libheif|libheif-wasm\/libheif-bundle\.m?js)$/,
  },
  { what: "zod's TypeScript sources", path: /node_modules\/zod\/src$/ },
];

function sizeOf(file) {
  const stat = lstatSync(file);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(file).reduce((sum, name) => sum + sizeOf(path.join(file, name)), 0);
}

const savedBytes = new Map(rules.map(({ what }) => [what, 0]));

function prune(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    const rule = rules.find((candidate) => candidate.path.test(`/${path.relative(folder, file)}`));
    if (rule) {
      savedBytes.set(rule.what, savedBytes.get(rule.what) + sizeOf(file));
      rmSync(file, { recursive: true });
    } else if (entry.isDirectory()) {
      prune(file);
    }
  }
}

const inMb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const before = sizeOf(folder);
prune(folder);
for (const [what, bytes] of savedBytes) process.stdout.write(`${inMb(bytes).padStart(9)}  ${what}\n`);
process.stdout.write(`${inMb(before)} became ${inMb(sizeOf(folder))}\n`);
