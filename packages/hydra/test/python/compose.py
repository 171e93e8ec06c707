"""Composes configs with the real Hydra. stdin: {"dir", "cases": [{"config", "overrides"}]}; stdout: a JSON list of outcomes."""

import json
import sys
import warnings

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

warnings.simplefilter("ignore")
request = json.load(sys.stdin)
outcomes = []
with initialize_config_dir(config_dir=request["dir"], version_base="1.3"):
    for case in request["cases"]:
        outcome = {}
        try:
            config = compose(config_name=case["config"], overrides=case["overrides"])
            outcome["raw"] = OmegaConf.to_container(config, resolve=False)
        except Exception as error:  # every refusal is an outcome
            outcome["error"] = f"{type(error).__name__}: {error}"
        else:
            try:
                outcome["resolved"] = OmegaConf.to_container(config, resolve=True)
            except Exception as error:
                outcome["resolveError"] = f"{type(error).__name__}: {error}"
        outcomes.append(outcome)
json.dump(outcomes, sys.stdout)
