export { type ComposeRequest, type Composition, compose, composeWithProblems } from './compose/compose.ts';
export type { ResultDefault } from './compose/defaults-list.ts';
export type { ConfigSource, SearchPath } from './compose/search-path.ts';
export { type HydraSettings, readSettings } from './compose/settings.ts';
export { fail, HydraError, type HydraErrorCode, type HydraProblem, hydraErrorCodes, listProblems } from './errors.ts';
export { Interpolator, type ResolveOptions, resolveConfig } from './interpolation/interpolator.ts';
export { nearest, nearestKey, nearestName } from './nearest.ts';
export type { KeyGuide } from './overrides/apply.ts';
export { formatElement } from './overrides/format.ts';
export { isHydraOverride, type Override } from './overrides/override.ts';
export { parseOverride } from './overrides/parser.ts';
export { expandSweep, type OptionsOf } from './sweep/expand.ts';
export {
  type Distribution,
  type Drawn,
  distributionJson,
  drawnText,
  probes,
  type SearchSpace,
  searchSpace,
  storedNode,
  trialOverrides,
} from './sweep/search-space.ts';
export {
  type ConfigNode,
  fromPlain,
  hasInterpolation,
  isMissing,
  isNull,
  leaves,
  type MapNode,
  nodeAt,
  type Plain,
  type ScalarNode,
  splitPath,
  toPlain,
} from './tree/node.ts';
export { toYaml } from './tree/yaml-text.ts';
