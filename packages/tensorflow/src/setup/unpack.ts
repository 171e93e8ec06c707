import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import type { RuntimeLayout } from './platform.ts';
import { runTool } from './run-tool.ts';

// Python is a prerequisite already, and its zipfile reads wheels of any size. Only the C library, what it links to
// and the headers of the C interface are taken: 2 % of the files.
const unpackScript = `
import sys, zipfile
wheel, target = sys.argv[1:]
prefixes = ('tensorflow/include/tensorflow/c/', 'tensorflow/include/tensorflow/core/platform/', 'tensorflow/include/tsl/',
            'tensorflow/include/xla/tsl/', 'tensorflow/include/external/local_tsl/', 'tensorflow/include/external/local_xla/')
libraries = ('libtensorflow_cc.', 'libtensorflow_framework.', 'libiomp5', 'libomp')
with zipfile.ZipFile(wheel) as archive:
    names = [n for n in archive.namelist() if n.startswith(prefixes)
             or n.startswith('tensorflow/') and n.count('/') == 1 and n.split('/')[1].startswith(libraries)
             or n.endswith('.dist-info/METADATA') or '.libs/' in n]
    if not any('libtensorflow_cc.' in n for n in names):
        sys.exit('no libtensorflow_cc in ' + wheel)
    archive.extractall(target, names)
`;

/** Takes TensorFlow's C library and headers out of a wheel. */
export async function unpackWheel(wheel: string, layout: RuntimeLayout): Promise<void> {
  const { code, output } = await runTool('python3', ['-c', unpackScript, wheel, layout.root]);
  if (code === 0) return;
  throw new CrosscheckError(
    'CROSSCHECK_TENSORFLOW_NOT_A_WHEEL',
    `${path.basename(wheel)} must be a TensorFlow wheel of version 2.18 or newer with libtensorflow_cc in it: ${output.trim().split('\n').at(-1)}; ` +
      'remove it (or unset CROSSCHECK_TENSORFLOW_WHEEL) and run "pnpm tensorflow:setup" again',
  );
}
