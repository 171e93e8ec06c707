import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const md5 = (bytes: string) => createHash('md5').update(bytes).digest('hex');

export interface Sample {
  /** Below the tracked folder. */
  files: Record<string, string>;
  layout?: 'dvc2' | 'dvc3';
}

/** Objects of a remote by their keys, and the text of the `.dvc` file that tracks them as the folder `data`. */
export function trackFolder({ files, layout = 'dvc3' }: Sample): { objects: Map<string, string>; dvcFile: string } {
  const objects = new Map<string, string>();
  const root = layout === 'dvc3' ? 'files/md5/' : '';
  const put = (content: string, end = '') => {
    const hash = md5(content);
    objects.set(`${root}${hash.slice(0, 2)}/${hash.slice(2)}${end}`, content);
    return hash;
  };
  const listing = Object.entries(files).map(([relpath, content]) => ({ md5: put(content), relpath }));
  const hash = put(JSON.stringify(listing), '.dir');
  const size = Object.values(files).reduce((sum, content) => sum + Buffer.byteLength(content), 0);
  const lines = [`outs:`, `- md5: ${hash}.dir`, `  size: ${size}`, `  nfiles: ${listing.length}`];
  if (layout === 'dvc3') lines.push('  hash: md5');
  return { objects, dvcFile: `${lines.join('\n')}\n  path: data\n` };
}

export function writeFiles(dir: string, files: Iterable<[string, string]>): void {
  for (const [name, content] of files) {
    const file = path.join(dir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

/** A repository whose default remote is at `url`. */
export function writeRepository(dir: string, url: string, dvcFile: string, options = ''): void {
  const config = `[core]\n    remote = main\n['remote "main"']\n    url = ${url}\n${options}`;
  writeFiles(dir, [
    ['.dvc/config', config],
    ['data.dvc', dvcFile],
  ]);
}
