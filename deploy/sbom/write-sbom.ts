// `pnpm sbom [FILE]`: the software bill of materials of the service's image, as CycloneDX JSON, from the lockfile and what is installed.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { readProduction } from './lockfile.ts';
import { toCycloneDx } from './to-cyclonedx.ts';

const root = path.resolve(import.meta.dirname, '../..');
const [, , file = 'sbom.cdx.json'] = process.argv;
const image = { os: 'linux', cpu: process.arch, libc: 'glibc' };
const packages = readProduction(root, ['packages/server', 'packages/scoring'], image);
writeFileSync(file, toCycloneDx(root, packages));
process.stdout.write(`wrote ${file}: ${packages.length} packages\n`);
