// Prints what comes along when a package's entry is loaded, as JSON: names of packages and of Node's own modules. Run in a process of its own:
//
//   node --conditions=@crosscheck/source scripts/layers/loaded.mjs packages/config/src/index.ts
import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const loaded = new Set();

registerHooks({
  load(url, context, nextLoad) {
    const name = nameOf(url);
    if (name !== null) loaded.add(name);
    return nextLoad(url, context);
  },
});

/** `…/node_modules/.pnpm/zod@4/node_modules/zod/index.js` → `zod`; files of this repository have no name. */
function nameOf(url) {
  if (url.startsWith('node:')) return url;
  const [, scope, name] = /.*\/node_modules\/(@[^/]+\/)?([^/]+)\//.exec(url) ?? [];
  return name === undefined ? null : `${scope ?? ''}${name}`;
}

await import(pathToFileURL(path.resolve(process.argv[2])).href);
process.stdout.write(JSON.stringify([...loaded].sort((a, b) => (a < b ? -1 : 1))));
process.exit(0);
