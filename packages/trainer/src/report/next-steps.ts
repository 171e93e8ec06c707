import path from 'node:path';
import { commandLine, type TrainConfig } from '@crosscheck/config';
import { bestModelName } from '../consumers/checkpoints.ts';

/** Overrides that every command on the same posts and checkpoint wants too. */
const shared = /^\+{0,2}(data|experiment|training\.(version|checkpoint_dir))([.=@]|$)/;

/** What follows on training: each command, with the section of the config that is its own. */
const followers = { evaluate: 'evaluation', calibrate: 'calibration', export: 'export' } as const;
type Follower = keyof typeof followers;

export interface Finished {
  config: TrainConfig;
  /** As they were typed. */
  overrides: readonly string[];
  /** Config key → where its value was set. */
  origins: Readonly<Record<string, string>>;
  /** The checkpoint to go on with. */
  checkpoint: string;
}

/** The commands that follow, on the same posts and the same checkpoint, ready to be pasted. */
export function nextCommands(finished: Finished, commands: readonly Follower[]): string[] {
  return commands.map((command) => {
    const section = followers[command];
    const typed = finished.overrides.filter((override) => shared.test(override) || sectionOf(override) === section);
    return commandLine(command, [...typed, ...groupOverrides(finished), ...checkpointOverride(finished, section)]);
  });
}

/** Keys that name the checkpoint. */
const naming = ['version', 'checkpoint_dir'] as const;

/** What a config group set that these commands are not given, such as debug=one_step. */
function groupOverrides({ config, origins }: Finished): string[] {
  const set = naming.filter((key) => isOfOtherGroup(origins[`training.${key}`] ?? ''));
  return set.map((key) => `training.${key}=${quoted(config.training[key])}`);
}

/** A file of a group, but of those whose choice is passed on, and of the defaults, which every command has. */
function isOfOtherGroup(origin: string): boolean {
  const [, group = '', option] = /(?:^|\/)([\w-]+)\/([\w.-]+)\.ya?ml:\d+$/.exec(origin) ?? [];
  return option !== undefined && option !== 'default' && !['data', 'experiment'].includes(group);
}

const quoted = (text: string) => (/^[A-Za-z][\w-]*$/.test(text) ? text : JSON.stringify(text));

const sectionOf = (override: string) => /^\+{0,2}(\w+)\./.exec(override)?.[1];

/** Only where the command would not find the checkpoint by itself. */
function checkpointOverride({ config, checkpoint }: Finished, section: string): string[] {
  const { checkpoint_dir: dir, version } = config.training;
  if (path.resolve(dir, bestModelName(version)) === path.resolve(checkpoint)) return [];
  return [`${section}.checkpoint=${path.relative('.', checkpoint)}`];
}
