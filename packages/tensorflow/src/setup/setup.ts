import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { userCacheFolder, writeWhole } from '@crosscheck/files';
import { buildAddon } from './build-addon.ts';
import { installCudaLibraries } from './cuda-libraries.ts';
import { fetchWheel, findGivenWheel } from './fetch-wheel.ts';
import { addonDigest, kernelDigest } from './kernel-sources.ts';
import {
  describeMachine,
  type Flavor,
  findWheel,
  layoutAt,
  type RuntimeLayout,
  runtimeLayout,
  tensorflowVersion,
} from './platform.ts';
import { checkPrerequisites, runTool } from './run-tool.ts';
import { unpackWheel } from './unpack.ts';

export interface SetupOptions {
  flavor: Flavor;
  /** Fetch the CUDA libraries: by default only where an NVIDIA driver is found, since nothing else can use them. */
  cudaLibraries?: boolean;
  /** Build again even when the runtime is there. */
  force?: boolean;
  say: (line: string) => void;
}

export interface RuntimeManifest {
  tensorflow: string;
  flavor: Flavor;
  cudaLibraries: boolean;
  /** Which of our own kernels were compiled, and whether the compiler understood them. */
  kernels?: { digest: string | null; built: boolean };
  /** Which sources the rest of the addon was compiled from; runtimes of earlier versions do not say. */
  addon?: string | null;
  selfTest: string;
}

async function readInstalled(flavor: Flavor): Promise<RuntimeManifest | null> {
  const { manifest } = runtimeLayout(flavor);
  return existsSync(manifest) ? (JSON.parse(await readFile(manifest, 'utf8')) as RuntimeManifest) : null;
}

/** Runs one convolution and its gradient in a fresh process, as a training run would. */
async function selfTest(root: string): Promise<string> {
  const script = path.join(import.meta.dirname, `self-test${path.extname(import.meta.filename)}`);
  const { code, stdout, output } = await runTool(process.execPath, [...process.execArgv, script, root]);
  // The CUDA build talks on stderr where there is no driver.
  if (code === 0) return stdout.trim();
  throw new CrosscheckError(
    'CROSSCHECK_TENSORFLOW_SELF_TEST',
    `the TensorFlow runtime in ${root} was built but does not compute: ${output.trim()}; run "pnpm tensorflow:setup --force"`,
  );
}

/** Builds into a folder of its own and renames it last: a run that was cut off leaves no half runtime behind. */
async function install(options: SetupOptions, withCuda: boolean): Promise<RuntimeManifest> {
  const { flavor, say } = options;
  const wheel = findWheel(flavor);
  const given = findGivenWheel();
  await checkPrerequisites(given === null);
  const downloads = path.join(userCacheFolder(), 'downloads', flavor);
  const file = given ?? (await fetchWheel(wheel, downloads, say));
  const final = runtimeLayout(flavor);
  const building = layoutAt(`${final.root}.building-${randomUUID().slice(0, 8)}`);
  try {
    await mkdir(building.root, { recursive: true });
    say(`unpacking ${path.basename(file)}`);
    await unpackWheel(file, building);
    if (withCuda) await installCudaLibraries(building, { isGiven: given !== null, say });
    const kernels = await compileKernels(options, building);
    say('self-test: one convolution and its gradient');
    const result = await selfTest(building.root);
    const addon = addonDigest();
    const manifest = {
      tensorflow: tensorflowVersion,
      flavor,
      cudaLibraries: withCuda,
      kernels,
      addon,
      selfTest: result,
    };
    writeManifest(building, manifest);
    await rm(final.root, { recursive: true, force: true });
    await rename(building.root, final.root);
    if (!given) await rm(downloads, { recursive: true, force: true });
    return manifest;
  } finally {
    await rm(building.root, { recursive: true, force: true });
  }
}

async function compileKernels(
  { flavor, say }: SetupOptions,
  layout: RuntimeLayout,
): Promise<NonNullable<RuntimeManifest['kernels']>> {
  say('compiling the addon');
  const built = await buildAddon(findWheel(flavor), layout);
  if (!built) say('this compiler does not understand our own kernels (g++ 12 does): training will be slower');
  return { digest: kernelDigest(), built };
}

const writeManifest = (layout: RuntimeLayout, manifest: RuntimeManifest) =>
  writeWhole(layout.manifest, `${JSON.stringify(manifest, null, 2)}\n`);

/** Compiles the addon again where its sources have changed since (and are at hand). */
async function renew(options: SetupOptions, installed: RuntimeManifest): Promise<RuntimeManifest> {
  const [digest, addon] = [kernelDigest(), addonDigest()];
  if (digest === null || (installed.kernels?.digest === digest && installed.addon === addon)) return installed;
  const layout = runtimeLayout(options.flavor);
  const manifest = { ...installed, kernels: await compileKernels(options, layout), addon };
  await selfTest(layout.root);
  writeManifest(layout, manifest);
  return manifest;
}

/** Makes the TensorFlow runtime of one flavor ready; does nothing when it is. */
export async function setupTensorflow(options: SetupOptions): Promise<RuntimeManifest> {
  const machine = describeMachine();
  const withCuda = options.flavor === 'cuda' && (options.cudaLibraries ?? machine.hasNvidiaDriver);
  const installed = options.force ? null : await readInstalled(options.flavor);
  if (installed && (installed.cudaLibraries || !withCuda)) return renew(options, installed);
  return install(options, withCuda);
}
