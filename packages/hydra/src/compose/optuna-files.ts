/**
 * `hydra/sweeper=optuna` with the keys and defaults of hydra-optuna-sweeper 1.4. Optuna 4 and 5 differ in what they take for granted, so every keyword
 * that changes what is drawn is stated. `pruner` and `metric` are ours.
 */
const samplers: Record<string, string> = {
  tpe: `
_target_: optuna.samplers.TPESampler
seed: null
consider_prior: null
prior_weight: null
consider_magic_clip: null
consider_endpoints: null
n_startup_trials: 10
n_ei_candidates: 24
multivariate: false
group: false
warn_independent_sampling: null
constant_liar: false
constraints_func: null
`,
  random: `
_target_: optuna.samplers.RandomSampler
seed: null
`,
  cmaes: `
_target_: optuna.samplers.CmaEsSampler
seed: null
x0: null
sigma0: null
n_startup_trials: 1
independent_sampler: null
warn_independent_sampling: true
consider_pruned_trials: false
restart_strategy: null
popsize: null
inc_popsize: -1
use_separable_cma: false
with_margin: false
lr_adapt: false
source_trials: null
`,
  nsgaii: `
_target_: hydra_plugins.hydra_optuna_sweeper._impl.create_nsgaii_sampler
seed: null
population_size: 50
mutation_prob: null
mutation: null
crossover: null
crossover_prob: 0.9
swapping_prob: 0.5
constraints_func: null
`,
  nsgaiii: `
_target_: hydra_plugins.hydra_optuna_sweeper._impl.create_nsgaiii_sampler
seed: null
population_size: 50
mutation_prob: null
mutation: null
crossover: null
crossover_prob: 0.9
swapping_prob: 0.5
constraints_func: null
reference_points: null
dividing_parameter: 3
`,
  grid: `
_target_: optuna.samplers.GridSampler
_partial_: true
seed: null
`,
  gp: `
_target_: optuna.samplers.GPSampler
seed: null
independent_sampler: null
n_startup_trials: 10
deterministic_objective: false
constraints_func: null
warn_independent_sampling: true
`,
  qmc: `
_target_: optuna.samplers.QMCSampler
seed: null
qmc_type: sobol
scramble: false
independent_sampler: null
warn_asynchronous_seeding: true
warn_independent_sampling: true
`,
};

const pruners: Record<string, string> = {
  none: `
_target_: optuna.pruners.NopPruner
`,
  median: `
_target_: optuna.pruners.MedianPruner
n_startup_trials: 5
n_warmup_steps: 0
interval_steps: 1
n_min_trials: 1
`,
  percentile: `
_target_: optuna.pruners.PercentilePruner
percentile: 25.0
n_startup_trials: 5
n_warmup_steps: 0
interval_steps: 1
n_min_trials: 1
`,
  halving: `
_target_: optuna.pruners.SuccessiveHalvingPruner
min_resource: auto
reduction_factor: 4
min_early_stopping_rate: 0
bootstrap_count: 0
`,
  hyperband: `
_target_: optuna.pruners.HyperbandPruner
min_resource: 1
max_resource: auto
reduction_factor: 3
bootstrap_count: 0
`,
};

const inGroup = (group: string, options: Record<string, string>) =>
  Object.fromEntries(Object.entries(options).map(([name, text]) => [`hydra/sweeper/${group}/${name}`, text]));

export const optunaFiles: Record<string, string> = {
  'hydra/sweeper/optuna': `
defaults:
  - sampler: tpe
  - pruner: none
_target_: hydra_plugins.hydra_optuna_sweeper.optuna_sweeper.OptunaSweeper
# minimize, maximize, or a list of them
direction: minimize
# sqlite:///FILE; null = study.db in the sweep's folder
storage: null
# a study of this name in the storage goes on
study_name: null
n_trials: 20
# trials at the same time, each its own process
n_jobs: 2
# the search ends with an error when more than this share of n_trials has failed
max_failure_rate: 0.0
# key → "interval(0,0.5)", "tag(log, interval(1e-5,1e-3))", "range(1,5)" or "choice(a,b)"
params: null
custom_search_space: null
# what is minimized or maximized, a list where direction is one; null = the command's own
metric: null
`,
  ...inGroup('sampler', samplers),
  ...inGroup('pruner', pruners),
};
