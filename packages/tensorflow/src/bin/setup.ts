import { parseArgs } from 'node:util';
import { runProgram } from '@crosscheck/contract';
import { chooseFlavor, describeMachine, runtimeLayout } from '../setup/platform.ts';
import { setupTensorflow } from '../setup/setup.ts';

const help = `Fetches libtensorflow from the TensorFlow wheel and builds the addon that TensorFlow.js needs.

Usage: pnpm tensorflow:setup [options]

  --flavor auto|cpu|cuda    auto: CUDA where an NVIDIA driver is found    [CROSSCHECK_TENSORFLOW_FLAVOR, auto]
  --cuda-libraries          fetch the CUDA libraries even without a driver (to build an image)
  --force                   build again
  --help

CROSSCHECK_TENSORFLOW_WHEEL=<file>   use this wheel and download nothing
CROSSCHECK_CACHE=<folder>            where the runtime is kept   [~/.cache/crosscheck]
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      flavor: { type: 'string', default: process.env['CROSSCHECK_TENSORFLOW_FLAVOR'] ?? 'auto' },
      'cuda-libraries': { type: 'boolean' },
      force: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const say = (line: string) => process.stdout.write(`tensorflow: ${line}\n`);
  const flavor = chooseFlavor(values.flavor);
  const cudaLibraries = values['cuda-libraries'];
  const manifest = await setupTensorflow({
    flavor,
    force: values.force,
    say,
    ...(cudaLibraries === undefined ? {} : { cudaLibraries }),
  });
  say(
    `${manifest.tensorflow} (${flavor} build, computes on the ${manifest.selfTest}) is ready in ${runtimeLayout(flavor).root}`,
  );
  if (flavor === 'cuda' && !describeMachine().hasNvidiaDriver) {
    say('no NVIDIA driver was found: this build computes on the CPU until there is one (then run this command again)');
  }
}

await runProgram(main);
