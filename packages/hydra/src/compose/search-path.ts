import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fail } from '../errors.ts';
import { type MapNode } from '../tree/node.ts';
import { readYaml } from '../tree/yaml-source.ts';
import { type DefaultItem, readDefaults } from './defaults-item.ts';
import { hydraFiles } from './hydra-files.ts';

/** A place that configs come from. */
export interface ConfigSource {
  provider: string;
  /** A folder, or `hydra:` for the built-in `hydra` groups. */
  dir: string;
}

export interface LoadedConfig {
  path: string;
  file: string;
  root: MapNode;
  packageHeader: string | null;
  defaults: DefaultItem[] | null;
}

const builtIn = 'hydra:';

/** Finds and reads configs in an ordered list of folders; the first folder that has a file wins. */
export class SearchPath {
  readonly sources: ConfigSource[];
  readonly warnings: string[] = [];
  readonly #cache = new Map<string, LoadedConfig | null>();

  constructor(sources: ConfigSource[]) {
    this.sources = [{ provider: 'hydra', dir: builtIn }, ...sources];
  }

  /** Adds the folders of `hydra.searchpath`. */
  append(provider: string, dirs: string[]): void {
    for (const entry of dirs) {
      if (/^(?:pkg|structured):\/\//.test(entry)) {
        fail('SEARCH_PATH', `hydra.searchpath takes folders; ${entry} names a Python package`);
      }
      const dir = path.resolve(entry.replace(/^file:\/\//, ''));
      if (!isFolder(dir)) this.warnings.push(`${dir}, named in ${provider}, is not a folder`);
      this.sources.push({ provider, dir });
    }
  }

  /** The config at a group path such as `model/tiny`, or null. */
  load(configPath: string): LoadedConfig | null {
    const cached = this.#cache.get(configPath);
    if (cached !== undefined) return cached;
    const loaded = this.#read(configPath);
    this.#cache.set(configPath, loaded);
    return loaded;
  }

  #read(configPath: string): LoadedConfig | null {
    for (const source of this.sources) {
      const found = readText(source.dir, configPath);
      if (found === undefined) continue;
      const { root, packageHeader, warnings } = readYaml(found.text, found.file);
      this.warnings.push(...warnings);
      if (root.kind !== 'map') {
        return fail(
          'BAD_YAML',
          `${found.file} must hold a mapping of keys, got a ${root.kind === 'list' ? 'list' : 'single value'}`,
        );
      }
      const body: MapNode = { ...root, entries: new Map(root.entries) };
      const defaults = readDefaults(body.entries.get('defaults'), found.file);
      body.entries.delete('defaults');
      return { path: configPath, file: found.file, root: body, packageHeader, defaults };
    }
    return null;
  }

  has(configPath: string): boolean {
    return this.sources.some((source) => readText(source.dir, configPath) !== undefined);
  }

  isGroup(group: string): boolean {
    if (group === '') return false;
    return this.sources.some(({ dir }) =>
      dir === builtIn
        ? Object.keys(hydraFiles).some((file) => file.startsWith(`${group}/`))
        : isFolder(path.join(dir, group)),
    );
  }

  /** The option names of a group, sorted. */
  options(group: string): string[] {
    return this.#list(group, (entry) => entry.isConfig);
  }

  /** The groups directly inside a group ('' for the top). */
  groups(group: string): string[] {
    return this.#list(group, (entry) => entry.isGroup);
  }

  /** Every group that has options, with its path; those of the hydra block only when asked for. */
  allGroups({ hydra = false }: { hydra?: boolean } = {}): string[] {
    const groups = this.#groupsBelow('');
    return groups.filter((group) => group !== 'hydra' && (hydra || !group.startsWith('hydra/')));
  }

  #groupsBelow(parent: string): string[] {
    return this.groups(parent).flatMap((name) => {
      const group = parent === '' ? name : `${parent}/${name}`;
      const inner = this.#groupsBelow(group);
      return this.options(group).length > 0 ? [group, ...inner] : inner;
    });
  }

  #list(group: string, wanted: (entry: Entry) => boolean): string[] {
    const names = this.sources.flatMap(({ dir }) =>
      entriesOf(dir, group)
        .filter(wanted)
        .map((entry) => entry.name),
    );
    return [...new Set(names)].sort();
  }

  describe(): string {
    return this.sources.map(({ provider, dir }) => `  ${provider}: ${dir === builtIn ? 'built in' : dir}`).join('\n');
  }
}

interface Entry {
  name: string;
  isConfig: boolean;
  isGroup: boolean;
}

function entriesOf(dir: string, group: string): Entry[] {
  if (dir === builtIn) return builtInEntries(group);
  const folder = path.join(dir, group);
  if (!isFolder(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.') && entry.name !== '__pycache__')
    .map((entry) => {
      const isGroup = isFolder(path.join(folder, entry.name));
      return { name: entry.name.replace(/\.ya?ml$/, ''), isConfig: !isGroup && /\.ya?ml$/.test(entry.name), isGroup };
    });
}

function builtInEntries(group: string): Entry[] {
  const prefix = group === '' ? '' : `${group}/`;
  const inside = Object.keys(hydraFiles)
    .filter((file) => file.startsWith(prefix))
    .map((file) => file.slice(prefix.length));
  return inside.map((rest) => {
    const isGroup = rest.includes('/');
    return { name: rest.split('/')[0] as string, isConfig: !isGroup, isGroup };
  });
}

function readText(dir: string, configPath: string): { text: string; file: string } | undefined {
  const bare = configPath.replace(/\.ya?ml$/, '');
  if (dir === builtIn) {
    const text = hydraFiles[bare];
    return text === undefined ? undefined : { text, file: `${builtIn}${bare}` };
  }
  for (const ending of ['.yaml', '.yml']) {
    const file = path.join(dir, `${bare}${ending}`);
    if (existsSync(file) && statSync(file).isFile()) return { text: readFileSync(file, 'utf8'), file: displayed(file) };
  }
  return undefined;
}

/** A path as people write it: relative to the working directory when it is inside. */
function displayed(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative;
}

function isFolder(dir: string): boolean {
  return existsSync(dir) && statSync(dir).isDirectory();
}
