import { hideInValue } from '@crosscheck/contract';
import {
  type Composition,
  type ConfigSource,
  composeWithProblems,
  type KeyGuide,
  type MapNode,
  type Plain,
  type ResolveOptions,
  readSettings,
} from '@crosscheck/hydra';
import type { z } from 'zod';
import { findConfigDir } from './config-dir.ts';
import { takePhases, upgradeForms } from './earlier-forms.ts';
import { declareSecretKeys, rememberSecrets } from './hide.ts';
import { asOurs, type Problem, throwProblems, withOurErrors } from './problems.ts';
import { faultOfFileName } from './schema/names.ts';
import type { Reads } from './schema/read-when.ts';
import { isOpen, namesSomething, type Schema, schemaAt, schemaKeys } from './schema-walk.ts';
import { findUnread } from './unread.ts';
import { keepText, originsOf, resolveCollecting, validate } from './validate.ts';

export interface ComposeConfigOptions<C> {
  /** Name of the primary config, without `.yaml`. */
  configName: string;
  schema: z.ZodType<C>;
  /** `key=value` arguments; see docs/configuration.md. */
  overrides?: string[];
  /** Folder of the configs; `findConfigDir()` when left out. */
  configDir?: string;
  /** Folders that are searched after it. */
  extraDirs?: string[];
  jobName?: string;
  jobNumber?: number | null;
  /** The moment that `${now:…}` prints. */
  now?: Date;
  env?: NodeJS.ProcessEnv;
  /** The config of the run that is continued: its phases stand where no other are chosen. */
  stored?: unknown;
  /** What the command reads: an override of anything else is refused. */
  reads?: Reads<C>;
}

export interface ComposedConfig<C> {
  /** Validated, resolved, frozen; keys as in the YAML. */
  config: C;
  /** Dotted key → `file:line` or the override that set it. */
  origins: Record<string, string>;
  warnings: string[];
  composition: Composition;
}

/**
 * Composes, resolves and validates a config without a command line.
 *
 * @example composeConfig({ configName: 'config', schema: trainConfigSchema, overrides: ['model=tiny'] }).config.model.name // 'tiny'
 * @throws CROSSCHECK_CONFIG_… with every problem that was found
 */
export function composeConfig<C>(options: ComposeConfigOptions<C>): ComposedConfig<C> {
  return finishConfig(composeOnly(options), options);
}

/** The composition alone, with texts kept and problems in it. */
export function composeOnly<C>(options: ComposeConfigOptions<C>, mode: 'run' | 'multirun' = 'run'): Composition {
  const composition = withOurErrors(() =>
    composeWithProblems({
      configName: options.configName,
      sources: sourcesOf(options),
      overrides: options.overrides ?? [],
      guide: guideOf(options.schema),
      prepare: (root) => takePhases(root, options.stored),
      hide: hideInValue,
      mode,
      ...(options.jobName === undefined ? {} : { jobName: options.jobName }),
      ...(options.jobNumber === undefined ? {} : { jobNumber: options.jobNumber }),
    }),
  );
  composition.config = keepText(composition.config, options.schema) as MapNode;
  return composition;
}

/** Resolves and validates a composition. */
function finishConfig<C>(composition: Composition, options: ComposeConfigOptions<C>): ComposedConfig<C> {
  const problems = composition.problems.map(asOurs);
  const { node, failed } = resolveCollecting(composition.config, resolveOptions(composition, options), problems);
  declareSecretKeys(options.schema);
  rememberSecrets(node);
  rememberSecrets(composition.hydra);
  checkJobName(composition, options, problems);
  const validation = validate(keepText(node, options.schema), options.schema, failed);
  throwProblems([...problems, ...validation.problems]);
  const config = deepFreeze(validation.config as C);
  const origins = originsOf(composition.config, config as Plain);
  const unread = findUnread({ config, origins, raw: composition.config, reads: options.reads });
  throwProblems([...unread.values()]);
  return { config, origins, warnings: composition.warnings, composition };
}

/** It names the log file. */
function checkJobName<C>(composition: Composition, options: ComposeConfigOptions<C>, problems: Problem[]): void {
  const name = readSettings(composition, resolveOptions(composition, options)).text('job.name');
  const fault = name === null ? null : faultOfFileName(name);
  if (fault === null) return;
  const message = `hydra.job.name names the log file, and ${fault}: got ${JSON.stringify(name)}`;
  problems.push({ code: 'CROSSCHECK_CONFIG_VALUE', message });
}

export function resolveOptions(
  composition: Composition,
  options: { now?: Date; env?: NodeJS.ProcessEnv },
): ResolveOptions {
  const { now, env } = options;
  return { hydra: composition.hydra, ...(now === undefined ? {} : { now }), ...(env === undefined ? {} : { env }) };
}

function sourcesOf({ configDir, extraDirs = [] }: { configDir?: string; extraDirs?: string[] }): ConfigSource[] {
  const main: ConfigSource = { provider: 'main', dir: configDir ?? findConfigDir() };
  return [main, ...extraDirs.map((dir) => ({ provider: 'command line', dir }))];
}

function guideOf(schema: Schema): KeyGuide {
  return {
    isKnown: (path, present) => schemaAt(schema, path) !== undefined && !namesSomething(schema, path, present),
    upgrade: upgradeForms,
    isOpen: (path) => {
      const at = schemaAt(schema, path);
      return at === undefined || isOpen(at);
    },
    keys: () => schemaKeys(schema).map((key) => key.path),
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}
