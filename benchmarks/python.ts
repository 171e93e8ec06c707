import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { repositoryRoot } from './machine.ts';

const requirements =
  'torch==2.13.0 torchvision==0.28.0 transformers==5.23.0 numpy==2.4.6 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.30.0 ' +
  'pillow==13.0.0 fastapi==0.165.0 uvicorn[standard]==0.54.0 python-multipart==0.0.34';

/** Interpreter of an environment with what the peers need; made once per user. */
export function findPython(): string {
  const script = path.join(repositoryRoot, 'scripts/python-env.mjs');
  return execFileSync(process.execPath, [script, 'benchmark-peers', ...requirements.split(' ')], {
    encoding: 'utf8',
  }).trim();
}
