"""What hydra-optuna-sweeper makes of sweeps, and what its searches leave, for packages/hydra/test/search-space.test.ts.

    python=$(node scripts/python-env.mjs optuna-sweeper hydra-optuna-sweeper==1.4.0rc3 optuna==5.0.0)
    $python scripts/golden/optuna_sweeper.py packages/hydra/test/fixtures/optuna-sweeper.json

`distributions`: what the plugin makes of an override, as Optuna writes it, or its error. `searches`: overrides of every trial of a seeded search, run one
trial at a time by the plugin itself, the value that each returned, and the result file.
"""

import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from hydra_plugins.hydra_optuna_sweeper import _impl, config
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from optuna.distributions import distribution_to_json

OVERRIDES = [
    "a=1,2,3",
    "a=choice(adamw,adam)",
    "a=choice(true,false)",
    "a=choice(1.0,2.5)",
    "a=choice('x y',\"q,r\")",
    "a=choice([1,2],[3])",
    "a=null,1",
    "a=range(1,3)",
    "a=range(10)",
    "a=range(0,10,3)",
    "a=range(5,0,-2)",
    "a=range(0,1,0.1)",
    "a=range(0.5,2.0,0.5)",
    "a=interval(0,1)",
    "a=interval(0.1,0.5)",
    "a=int(interval(1,10))",
    "a=tag(log,interval(1e-5,1e-3))",
    "a=tag(log,int(interval(1,100)))",
    "+a=interval(0,1)",
    "model=tiny,lite",
    "a=3",
]

# A function of the parameters that a test can compute, too.
APP = """
import json, math, sys
from pathlib import Path
import hydra

@hydra.main(version_base="1.3", config_path=None, config_name="config")
def main(cfg):
    loss = (math.log10(cfg.rate) + 3) ** 2 + (cfg.drop - 0.3) ** 2 + 0.1 * cfg.layers + (0.2 if cfg.kind == "b" else 0.0)
    with open(sys.argv[0] + ".trials", "a") as file:
        file.write(json.dumps([list(hydra.core.hydra_config.HydraConfig.get().overrides.task), loss]) + "\\n")
    return (loss, float(cfg.layers)) if cfg.two else loss

main()
"""

CONFIG = """
defaults: [{override hydra/sweeper: optuna}, _self_]
rate: 0.1
drop: 0.0
layers: 1
kind: a
two: false
hydra:
  output_subdir: null
  sweeper:
    n_jobs: 1
    n_trials: 12
    params:
      rate: tag(log, interval(1e-5, 1e-1))
      drop: interval(0.0, 0.5)
      layers: range(1, 4)
      kind: choice(a, b)
"""

SEARCHES = {
    "tpe": ["hydra.sweeper.sampler.seed=1"],
    "random": ["hydra/sweeper/sampler=random", "hydra.sweeper.sampler.seed=2"],
    "grid": [
        "hydra/sweeper/sampler=grid",
        "hydra.sweeper.sampler.seed=3",
        "rate=0.1,0.001",
        "drop=range(0,0.5,0.2)",
        "hydra.sweeper.n_trials=30",
    ],
    "two": ["hydra.sweeper.sampler.seed=4", "hydra.sweeper.direction=[minimize,maximize]", "two=true", "layers=range(1,6)"],
}


def distribution(text):
    try:
        (override,) = OverridesParser.create().parse_overrides([text])
        made = _impl.create_optuna_distribution_from_override(override)
    except Exception as error:
        return {"error": str(error)}
    return {"fixed": made} if isinstance(made, str) else json.loads(distribution_to_json(made))


def search(overrides):
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "app.py")
        app.write_text(APP.replace("config_path=None", f"config_path={folder!r}"))
        Path(folder, "config.yaml").write_text(CONFIG)
        command = [sys.executable, str(app), "-m", f"hydra.sweep.dir={folder}/out", *overrides]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        trials = [json.loads(line) for line in Path(f"{app}.trials").read_text().splitlines()]
        return {"overrides": overrides, "trials": trials, "results": Path(folder, "out/optimization_results.yaml").read_text()}


def defaults():
    """The sweeper's keys with their defaults, and those of every sampler."""
    samplers = {
        name: getattr(config, f"{prefix}SamplerConfig")
        for name, prefix in {
            "tpe": "TPE", "random": "Random", "cmaes": "CmaEs", "nsgaii": "NSGAII", "nsgaiii": "NSGAIII", "grid": "Grid", "gp": "GP", "qmc": "QMC",
        }.items()
    }
    sweeper = OmegaConf.to_container(OmegaConf.structured(config.OptunaSweeperConf), throw_on_missing=False)
    sweeper = {key: value for key, value in sweeper.items() if key not in ("defaults", "sampler")}
    sweeper["direction"] = "minimize"
    return {
        "sweeper": sweeper,
        "samplers": {name: OmegaConf.to_container(OmegaConf.structured(made)) for name, made in samplers.items()},
    }


golden = {
    "command": "scripts/golden/optuna_sweeper.py",
    "versions": {name: version(name) for name in ("hydra-optuna-sweeper", "hydra-core", "optuna")},
    "defaults": defaults(),
    "distributions": {text: distribution(text) for text in OVERRIDES},
    "searches": {name: search(overrides) for name, overrides in SEARCHES.items()},
}
Path(sys.argv[1]).write_text(json.dumps(golden, indent=1) + "\n")
