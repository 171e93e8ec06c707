import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

type Versions = Record<string, string>;

interface Importer {
  dependencies?: Record<string, { version: string }>;
  optionalDependencies?: Record<string, { version: string }>;
}

interface Lockfile {
  importers: Record<string, Importer>;
  packages: Record<string, { resolution: { integrity?: string }; os?: string[]; cpu?: string[]; libc?: string[] }>;
  snapshots: Record<string, { dependencies?: Versions; optionalDependencies?: Versions }>;
}

/** A package of the lockfile, or one of ours. */
export interface LockedPackage {
  /** `name@version`; packages of the workspace have their folder's name. */
  id: string;
  name: string;
  version: string;
  /** Base64 SHA-512 of the tarball; null for our own. */
  sha512: string | null;
  isOurs: boolean;
  dependencies: string[];
}

/** What a service on this platform loads; packages for others stay out. */
export interface Platform {
  os: string;
  cpu: string;
  libc: string;
}

/** Everything that some folders of the workspace need in production, with who needs whom, from pnpm-lock.yaml alone. */
export function readProduction(root: string, folders: string[], platform: Platform): LockedPackage[] {
  const lockfile = parse(readFileSync(path.join(root, 'pnpm-lock.yaml'), 'utf8')) as Lockfile;
  const found = new Map<string, LockedPackage>();
  const visitOurs = (folder: string): string => {
    const { name, version } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
    const id = `${name}@${version}`;
    if (found.has(id)) return id;
    const own: LockedPackage = { id, name, version, sha512: null, isOurs: true, dependencies: [] };
    found.set(id, own);
    const { dependencies, optionalDependencies } = lockfile.importers[folder] as Importer;
    own.dependencies = Object.entries({ ...dependencies, ...optionalDependencies }).flatMap(([needed, locked]) => {
      const link = /^link:(.*)/.exec(locked.version)?.[1];
      return link === undefined ? visit(needed, locked.version) : [visitOurs(path.join(folder, link))];
    });
    return id;
  };
  const visit = (name: string, locked: string): string[] => {
    const snapshot = lockfile.snapshots[`${name}@${locked}`] ?? {};
    const version = locked.replace(/\(.*/, '');
    const id = `${name}@${version}`;
    const entry = lockfile.packages[id];
    if (entry === undefined) throw new Error(`pnpm-lock.yaml has no package ${id}; run pnpm install`);
    if (!fits(entry, platform)) return [];
    if (found.has(id)) return [id];
    const sha512 = entry.resolution.integrity?.replace(/^sha512-/, '') ?? null;
    const own: LockedPackage = { id, name, version, sha512, isOurs: false, dependencies: [] };
    found.set(id, own);
    const needs = Object.entries({ ...snapshot.dependencies, ...snapshot.optionalDependencies });
    own.dependencies = [...new Set(needs.flatMap(([needed, neededVersion]) => visit(needed, neededVersion)))];
    return [id];
  };
  for (const folder of folders) visitOurs(folder);
  return [...found.values()];
}

function fits(entry: { os?: string[]; cpu?: string[]; libc?: string[] }, platform: Platform): boolean {
  const allows = (listed: string[] | undefined, wanted: string) =>
    listed === undefined ||
    listed.includes(wanted) ||
    (listed.every((name) => name.startsWith('!')) && !listed.includes(`!${wanted}`));
  return allows(entry.os, platform.os) && allows(entry.cpu, platform.cpu) && allows(entry.libc, platform.libc);
}
