import { exitCodes, print, runProgram } from '@crosscheck/contract';
import { type ComposeConfigOptions, composeConfig } from '../compose-config.ts';
import { foldersOf, type Invocation, parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { type JobPlace, runJob } from './run-job.ts';
import { sweepJobVariable } from './sweep/job-variable.ts';

/**
 * The whole life of an entry point: reads the command line, composes and validates the config, then runs the command once or as a
 * sweep. Errors go to stderr and set the exit code (1 failed, 2 wrong usage, 129, 130, 143 interrupted); nothing is thrown.
 *
 * @param argv without node and script
 */
export function runCommand<C>(command: Command<C>, argv: string[] = process.argv.slice(2)): Promise<void> {
  const { signals = 'stop', patienceMs } = command;
  return runProgram(() => dispatch(command, argv), { signals, ...(patienceMs !== undefined && { patienceMs }) });
}

/** @returns the exit code; undefined leaves it as the command has set it */
async function dispatch<C>(command: Command<C>, argv: string[]): Promise<number | undefined> {
  const invocation = parseArguments(argv);
  const { flags } = invocation;
  const place = takePlace();
  const options = composeOptions(command, invocation, place);
  if (isSweep(invocation) && !isQuestion(invocation) && place.runDir === null) {
    return (await import('./sweep/open-sweep.ts')).openSweep({ command, options, invocation, now: place.now });
  }
  if (!isQuestion(invocation))
    return runJob(command, composeConfig(await optionsOfRun(command, options, place)), place);
  if (flags.version !== undefined) print(command.version ?? (await import('./version.ts')).packageVersion());
  else if (flags.completion !== undefined) (await import('./completion.ts')).complete(command, invocation, options);
  else if (flags.help !== undefined) (await import('./help.ts')).printHelp(command, options);
  else if (flags.info !== undefined) (await import('./show-config.ts')).printInfo(options, flags.info);
  else (await import('./show-config.ts')).printConfig(options, flags);
  return exitCodes.done;
}

/** What a run knows besides. A sweep has looked at all of its jobs together: what one of them does not read, another may. */
async function optionsOfRun<C>(
  command: Command<C>,
  options: ComposeConfigOptions<C>,
  { runDir }: JobPlace,
): Promise<ComposeConfigOptions<C>> {
  const { reads } = command;
  const stored = await command.stored?.(options.overrides ?? []);
  return { ...options, stored, ...(reads === undefined || runDir !== null ? {} : { reads }) };
}

/** Flags that print something and run nothing. */
function isQuestion({ flags }: Invocation): boolean {
  return [flags.version, flags.completion, flags.help, flags.info, flags.cfg].some((flag) => flag !== undefined);
}

/** `--multirun`, or `hydra.mode=MULTIRUN` as Hydra has it. */
function isSweep({ flags, overrides }: Invocation): boolean {
  return flags.multirun !== undefined || (flags.run === undefined && overrides.includes('hydra.mode=MULTIRUN'));
}

/** Where this process stands: alone, or a job of a sweep. */
function takePlace(): JobPlace {
  const text = process.env[sweepJobVariable];
  delete process.env[sweepJobVariable];
  if (text === undefined) return { runDir: null, jobNumber: null, swept: null, now: new Date() };
  const { now, ...place } = JSON.parse(text) as Omit<JobPlace, 'now'> & { now: string };
  return { ...place, now: new Date(now) };
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
    // It becomes part of file names.
    jobName: command.name.replaceAll(':', '-'),
    jobNumber,
    now,
    ...foldersOf(invocation),
  };
}
