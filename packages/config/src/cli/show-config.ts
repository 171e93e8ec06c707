import { print } from '@crosscheck/contract';
import {
  type Composition,
  type ConfigNode,
  fromPlain,
  leaves,
  nearestKey,
  nodeAt,
  splitPath,
  toYaml,
} from '@crosscheck/hydra';
import { type ComposeConfigOptions, composeOnly, resolveOptions } from '../compose-config.ts';
import { hideInTree } from '../hide.ts';
import { asOurs, fail, type Problem, throwProblems } from '../problems.ts';
import { resolveCollecting } from '../validate.ts';
import type { Invocation } from './arguments.ts';
import { hydraBlock, wholeConfig } from './run-folder.ts';

const parts: Record<string, (composition: Composition) => ConfigNode> = {
  job: ({ config }) => config,
  hydra: ({ hydra }) => hydraBlock(hydra),
  all: wholeConfig,
};

/** `--cfg`, with `--resolve` and `--package`. */
export function printConfig<C>(options: ComposeConfigOptions<C>, flags: Invocation['flags']): boolean {
  const composition = composeOnly(options);
  throwProblems(composition.problems.map(asOurs));
  const part = (parts[flags.cfg as string] as (composition: Composition) => ConfigNode)(composition);
  const shown = hideInTree(
    flags.resolve === undefined ? part : resolved(part, composition, options),
    flags.package ?? '',
  );
  if (flags.package === undefined || flags.package === '_global_') {
    print(toYaml(shown));
    return true;
  }
  print(`# @package ${flags.package}\n${toYaml(partAt(shown, flags.package))}`);
  return true;
}

function resolved<C>(part: ConfigNode, composition: Composition, options: ComposeConfigOptions<C>): ConfigNode {
  const whole = wholeConfig(composition);
  const { node, failed } = resolveCollecting(whole, resolveOptions(composition, options), []);
  const problems = new Set(
    [...failed].filter((key) => nodeAt(part, key.split('.')) !== undefined && !key.startsWith('hydra.')),
  );
  if (problems.size > 0) resolveCollectingOrThrow(composition, options);
  return part.kind === 'map'
    ? { ...part, entries: new Map([...part.entries.keys()].map((key) => [key, nodeAt(node, [key]) as ConfigNode])) }
    : part;
}

function resolveCollectingOrThrow<C>(composition: Composition, options: ComposeConfigOptions<C>): void {
  const problems: Problem[] = [];
  resolveCollecting(composition.config, resolveOptions(composition, options), problems);
  throwProblems(problems);
}

function partAt(root: ConfigNode, key: string): ConfigNode {
  const node = nodeAt(root, splitPath(key));
  if (node !== undefined) return node;
  const near = nearestKey(
    key,
    [...leaves(root)].flatMap(([path]) => path.map((_, index) => path.slice(0, index + 1).join('.'))),
  );
  return fail(
    'CROSSCHECK_CONFIG_UNKNOWN_KEY',
    `the config has no ${key}${near === undefined ? '' : `; did you mean ${near}?`} (--package ${key})`,
  );
}

/** `--info`: the defaults list in merge order, and the search path. */
export function printInfo<C>(options: ComposeConfigOptions<C>, what: string): boolean {
  const composition = composeOnly(options);
  if (what !== 'searchpath') {
    const rows = composition.defaults.map(({ path, package: pkg, parent }) => ({
      config: path,
      package: pkg === '' ? '_global_' : pkg,
      from: parent,
    }));
    print(`defaults list, later entries win:\n${toYaml(fromPlain(rows))}`);
  }
  if (what !== 'defaults') print(`search path:\n${composition.searchPath.describe()}`);
  return true;
}
