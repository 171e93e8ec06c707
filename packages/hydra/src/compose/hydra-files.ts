import { optunaFiles } from './optuna-files.ts';

/** The `hydra` block's own configs, as Hydra ships them inside itself. Path → YAML. */
export const hydraFiles: Record<string, string> = {
  'hydra/config': `
defaults:
  - output: default
  - launcher: basic
  - sweeper: basic
  - help: default
  - hydra_help: default
  - hydra_logging: default
  - job_logging: default
  - callbacks: null
  - env: default
mode: null
searchpath: []
run:
  dir: ???
sweep:
  dir: ???
  subdir: ???
hydra_logging: ???
job_logging: ???
sweeper: ???
launcher: ???
callbacks: {}
help:
  app_name: ???
  header: ???
  footer: ???
hydra_help: {}
output_subdir: .hydra
overrides:
  hydra: []
  task: []
job:
  name: ???
  chdir: null
  override_dirname: ???
  id: ???
  num: ???
  config_name: ???
  env_set: {}
  env_copy: []
  config:
    override_dirname:
      kv_sep: "="
      item_sep: ","
      exclude_keys: []
runtime:
  version: ???
  version_base: ???
  cwd: ???
  config_sources: ???
  output_dir: ???
  choices: {}
verbose: false
`,
  'hydra/output/default': `
# @package _global_
hydra:
  run:
    dir: outputs/\${now:%Y-%m-%d}/\${now:%H-%M-%S}
  sweep:
    dir: multirun/\${now:%Y-%m-%d}/\${now:%H-%M-%S}
    subdir: \${hydra.job.num}
`,
  'hydra/launcher/basic': `
# jobs of a sweep that run at the same time, each in its own process
n_jobs: 1
`,
  'hydra/sweeper/basic': `
# jobs are launched in batches of this many; null = all at once
max_batch_size: null
# sweeps that hold without being typed: key → "a,b" or "range(3)"
params: null
# column that the summary is sorted by; null = what the command says
metric: null
direction: maximize
`,
  'hydra/help/default': `
app_name: \${hydra.job.name}
header: ""
footer: ""
`,
  'hydra/hydra_help/default': '{}',
  'hydra/hydra_logging/default': 'console: true',
  'hydra/hydra_logging/disabled': 'console: false',
  'hydra/hydra_logging/none': 'console: false',
  'hydra/job_logging/default': `
console: true
file: \${hydra.runtime.output_dir}/\${hydra.job.name}.log
`,
  'hydra/job_logging/stdout': `
console: true
file: null
`,
  'hydra/job_logging/disabled': `
console: false
file: null
`,
  'hydra/job_logging/none': `
console: true
file: null
`,
  'hydra/env/default': '{}',
  ...optunaFiles,
};
