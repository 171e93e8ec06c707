import { composeConfig, type Run } from '@crosscheck/config';
import { repositoryRoot } from '@crosscheck/testkit';
import { vi } from 'vitest';
import { type ScoreConfig, score, scoreConfigSchema } from '../src/index.ts';

export interface Ran {
  printed: string;
  warnings: string[];
}

export function composeScore(overrides: string[]): ScoreConfig {
  const configDir = `${repositoryRoot}/configs`;
  return composeConfig({ configName: 'config_score', schema: scoreConfigSchema, configDir, overrides }).config;
}

/** Runs a command's job in this process. */
export async function runHere(
  job: (run: Run<ScoreConfig>) => Promise<void>,
  overrides: string[],
  runDir = '/nowhere',
): Promise<Ran> {
  const [printed, warnings]: [string[], string[]] = [[], []];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  const config = composeScore(overrides);
  const identity = { runDir, jobName: 'score', jobNumber: null, swept: null, parentRun: null };
  const rest = { resolved: config, origins: {}, overrides, log: () => {}, warn: (text: string) => warnings.push(text) };
  try {
    await job({ config, ...identity, ...rest });
  } finally {
    spy.mockRestore();
  }
  return { printed: printed.join(''), warnings };
}

/** One worker of `pnpm score` in this process. */
export const work = (index: number, overrides: string[]): Promise<Ran> =>
  runHere(score, [`score.index=${index}`, 'score.sessions=1', ...overrides]);
