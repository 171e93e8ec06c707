// `pnpm k8s:flat`: one file for `kubectl apply -f`, for those who do not use kustomize.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { flatManifest } from './flat-manifest.ts';

const root = path.resolve(import.meta.dirname, '../..');
writeFileSync(path.join(root, flatManifest.file), flatManifest.text(root));
process.stdout.write(`wrote ${flatManifest.file}\n`);
