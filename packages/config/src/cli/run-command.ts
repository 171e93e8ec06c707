import { type ComposeConfigOptions, composeConfig } from '../compose-config.ts';
import { foldersOf, type Invocation, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { print, printError } from './output.ts';
import { describeError, type JobPlace, runJob } from './run-job.ts';
import { sweepJobVariable } from './sweep-job-variable.ts';

/**
 * The whole life of an entry point: reads the command line, composes and validates the config, then runs the command once or as a
 * sweep. Errors go to stderr and set the exit code to 1; nothing is thrown.
 *
 * @param argv without node and script
 */
export async function runCommand<C>(command: Command<C>, argv: string[] = process.argv.slice(2)): Promise<void> {
  try {
    const isFine = await dispatch(command, argv);
    if (!isFine) process.exitCode = 1;
  } catch (error) {
    printError(describeError(error));
    process.exitCode = 1;
  }
}

async function dispatch<C>(command: Command<C>, argv: string[]): Promise<boolean> {
  const invocation = parseArguments(argv);
  const { flags } = invocation;
  const place = takePlace();
  const options = composeOptions(command, invocation, place);
  if (flags.version !== undefined) {
    print(command.version ?? (await import('./version.ts')).packageVersion());
    return true;
  }
  if (flags.completion !== undefined) return (await import('./completion.ts')).complete(command, invocation, options);
  if (flags.help !== undefined) return (await import('./help.ts')).printHelp(command, options);
  if (flags.info !== undefined) return (await import('./show-config.ts')).printInfo(options, flags.info);
  if (flags.cfg !== undefined) return (await import('./show-config.ts')).printConfig(options, flags);
  if (isSweep(invocation) && place.runDir === null) {
    return (await import('./sweep.ts')).runSweep({ command, options, invocation, now: place.now });
  }
  return runJob(command, composeConfig(withReads(command, options, place)), place);
}

/** A sweep has looked at all of its jobs together: what one of them does not read, another may. */
function withReads<C>({ reads }: Command<C>, options: ComposeConfigOptions<C>, { runDir }: JobPlace) {
  return reads === undefined || runDir !== null ? options : { ...options, reads };
}

/** `--multirun`, or `hydra.mode=MULTIRUN` as Hydra has it. */
function isSweep({ flags, overrides }: Invocation): boolean {
  return flags.multirun !== undefined || (flags.run === undefined && overrides.includes('hydra.mode=MULTIRUN'));
}

/** Where this process stands: alone, or a job of a sweep. */
function takePlace(): JobPlace {
  const text = process.env[sweepJobVariable];
  delete process.env[sweepJobVariable];
  if (text === undefined) return { runDir: null, jobNumber: null, now: new Date() };
  const { runDir, jobNumber, now } = JSON.parse(text) as { runDir: string; jobNumber: number; now: string };
  return { runDir, jobNumber, now: new Date(now) };
}

function composeOptions<C>(
  command: Command<C>,
  invocation: Invocation,
  { jobNumber, now }: JobPlace,
): ComposeConfigOptions<C> {
  return {
    configName: invocation.flags.configName ?? command.configName,
    schema: command.schema,
    overrides: invocation.overrides,
    jobName: command.name,
    jobNumber,
    now,
    ...foldersOf(invocation),
  };
}
