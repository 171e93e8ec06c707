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
  /** The checkpoint to go on with. */
  checkpoint: string;
}

/** The commands that follow, on the same posts and the same checkpoint, ready to be pasted. */
export function nextCommands(finished: Finished, commands: readonly Follower[]): string[] {
  return commands.map((command) => {
    const section = followers[command];
    const typed = finished.overrides.filter((override) => shared.test(override) || sectionOf(override) === section);
    return commandLine(command, [...typed, ...checkpointOverride(finished, section)]);
  });
}

const sectionOf = (override: string) => /^\+{0,2}(\w+)\./.exec(override)?.[1];

/** Only where the command would not find the checkpoint by itself. */
function checkpointOverride({ config, checkpoint }: Finished, section: string): string[] {
  const { checkpoint_dir: dir, version } = config.training;
  if (path.resolve(dir, bestModelName(version)) === path.resolve(checkpoint)) return [];
  return [`${section}.checkpoint=${path.relative('.', checkpoint)}`];
}
