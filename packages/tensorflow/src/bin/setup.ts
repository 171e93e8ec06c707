import { print, runOptionCommand } from '@crosscheck/contract';
import { chooseFlavor, describeMachine, flavors, runtimeLayout } from '../setup/platform.ts';
import { setupTensorflow } from '../setup/setup.ts';

const say = (line: string) => print(`tensorflow: ${line}`);

await runOptionCommand({
  name: 'tensorflow:setup',
  summary: 'Fetches libtensorflow from the TensorFlow wheel and builds the addon that TensorFlow.js needs.',
  options: {
    flavor: {
      default: process.env['CROSSCHECK_TENSORFLOW_FLAVOR'] ?? 'auto',
      choices: flavors,
      help: 'auto: CROSSCHECK_TENSORFLOW_FLAVOR, else CUDA where an NVIDIA driver is found',
    },
    cuda_libraries: { default: false, help: 'fetch the CUDA libraries even without a driver (to build an image)' },
    force: { default: false, help: 'build again' },
  },
  notes: `CROSSCHECK_TENSORFLOW_WHEEL=<file>   use this wheel and download nothing
CROSSCHECK_CACHE=<folder>            where the runtime is kept   [~/.cache/crosscheck]`,
  async main({ flavor: wanted, cuda_libraries: cudaLibraries, force }) {
    const flavor = chooseFlavor(wanted);
    const manifest = await setupTensorflow({ flavor, force, say, ...(cudaLibraries && { cudaLibraries }) });
    const { root } = runtimeLayout(flavor);
    say(`${manifest.tensorflow} (${flavor} build, computes on the ${manifest.selfTest}) is ready in ${root}`);
    if (flavor !== 'cuda' || describeMachine().hasNvidiaDriver) return;
    say('no NVIDIA driver was found: this build computes on the CPU until there is one (then run this command again)');
  },
});
