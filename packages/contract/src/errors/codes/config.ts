import type { ErrorRow } from '../error-row.ts';

/** Codes of config. */
export const configErrors = {
  CROSSCHECK_CONFIG_BAD_OVERRIDE: {
    meaning: 'an argument is not an override, its value cannot be read, or it does not fit the group or key it names',
    remedy: 'the message points at the place; put text with `, : = ( ) [ ] { }` in quotes',
  },
  CROSSCHECK_CONFIG_UNKNOWN_KEY: {
    meaning: 'an override, a file or `--package` names a key that does not exist',
    remedy: 'take the key that the message suggests; the message says whether a new key may be added with `+`',
  },
  CROSSCHECK_CONFIG_KEY_EXISTS: {
    meaning: '`+key=` names a key that is there already',
    remedy: 'drop the `+`, or write `++`',
  },
  CROSSCHECK_CONFIG_UNKNOWN_GROUP: {
    meaning: 'an override or deletion names a group that does not exist or is not in the defaults list',
    remedy: 'take the group that the message suggests, or append with `+group=option`',
  },
  CROSSCHECK_CONFIG_UNKNOWN_OPTION: {
    meaning: 'a group has no option of that name',
    remedy: 'take one of the options that the message lists; it also lists where it looked',
  },
  CROSSCHECK_CONFIG_NOT_FOUND: {
    meaning: 'there is no primary config of that name',
    remedy: "run from the repository's root, or set `--config-path`, `--config-name`",
  },
  CROSSCHECK_CONFIG_SEARCH_PATH: {
    meaning:
      '`hydra.searchpath` is not a list of folders, names a Python package, or stands outside the primary config',
    remedy: 'list folders in the primary config or on the command line',
  },
  CROSSCHECK_CONFIG_DEFAULTS: {
    meaning:
      'a defaults list is malformed: two choices of one group, a config that includes itself, `override` before other entries, …',
    remedy: 'the message names the file and the rule; docs/configuration.md explains defaults lists',
  },
  CROSSCHECK_CONFIG_BAD_YAML: {
    meaning: 'a config is not valid YAML, or not a mapping',
    remedy: 'repair the line that the message names',
  },
  CROSSCHECK_CONFIG_INTERPOLATION: {
    meaning: 'a `${…}` cannot be read, refers to nothing, to itself, or to an environment variable that is not set',
    remedy: 'correct the name, set the variable, or give a default',
  },
  CROSSCHECK_CONFIG_MISSING: {
    meaning: 'a value is `???` or a group must be chosen',
    remedy: 'add `key=VALUE` or `group=OPTION`',
  },
  CROSSCHECK_CONFIG_TYPE: {
    meaning: 'a value has the wrong type',
    remedy: 'give what the message expects; it names the line or override that set the value',
  },
  CROSSCHECK_CONFIG_VALUE: {
    meaning: 'a value is outside its range or not one of the allowed ones',
    remedy: 'the same',
  },
  CROSSCHECK_CONFIG_UNREAD: {
    meaning:
      'an override sets a key that nothing reads in this config: every phase sets its own, or what the key belongs to is off',
    remedy: 'set the key that the message names, or leave the override out',
  },
  CROSSCHECK_CONFIG_INVALID: {
    meaning: 'several of these at once',
    remedy: 'the message lists each with its own code',
  },
  CROSSCHECK_CONFIG_SWEEP: {
    meaning:
      'several values without `--multirun`, a sweep over the hydra block, an interval, or a glob that matches nothing',
    remedy: 'the message shows how a list, text and a sweep are written',
  },
  CROSSCHECK_CONFIG_WORKERS: {
    meaning:
      'what a launcher has set for several workers (`TF_CONFIG`, `PET_…`, `JAX_…`, `RANK` …, `JOB_COMPLETION_INDEX`) cannot be meant, or contradicts `training.distributed`',
    remedy:
      'the message says what was read and what is needed; [distributed](distributed.md) lists what each launcher sets',
  },
  CROSSCHECK_CONFIG_RUN_FOLDER: {
    meaning: 'the run folder cannot be made',
    remedy: 'set `hydra.run.dir` to a folder that can be written',
  },
  CROSSCHECK_CLI_FLAG: {
    meaning: 'an unknown flag or argument, or a flag without its value',
    remedy: 'the message names the nearest one; `--help` lists them all',
  },
} as const satisfies Record<string, ErrorRow>;
