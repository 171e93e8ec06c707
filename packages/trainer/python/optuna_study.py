"""One Optuna study, driven by lines of JSON (packages/trainer/src/sweep/study.ts starts it).

Standard input has one request a line, standard output one answer a line in the same order; what Optuna logs goes to standard error.
The study lives in Optuna's own storage, so that optuna-dashboard and hydra-optuna-sweeper read it. The process ends with its input.

  {"op": "open", "storage", "study", "directions", "sampler", "pruner", "space", "metrics"} -> {"study", "version", "trials", "left", "taken_up", "elsewhere"}
  {"op": "ask"}                                                                             -> {"trial": 3, "params": {name: number, or index of a choice}}
  {"op": "report", "trial": 3, "step": 2, "value": 0.41}                                    -> {"prune": false}
  {"op": "tell", "trial": 3, "state": "complete|pruned|fail", "values", "attrs", "again"}   -> {}
  {"op": "summary"}                                                                         -> {"trials", "best", "importances", "importances_missing"}

A sampler or pruner is what Hydra's config says of it: `_target_` and its keywords. Nothing but the classes below can be named. Keywords that a
config leaves null are left to Optuna, but where Optuna 4 and 5 differ the config states them. Numbers that are not finite come as text ("nan").
An error is {"error", "kind"}; the next request is read all the same.
"""

import json
import os
import signal
import socket
import sys
from decimal import Decimal

answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # whatever prints does not get between the answers
for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # a terminal sends them to every process; the other side tells how the trials end
    signal.signal(getattr(signal, name), signal.SIG_IGN)

try:
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution, check_distribution_compatibility, json_to_distribution
    from optuna.trial import TrialState
except ImportError as error:
    answers.write(json.dumps({"error": str(error), "kind": "ImportError"}) + "\n")
    answers.flush()
    sys.exit(0)

SAMPLERS = ["TPESampler", "RandomSampler", "CmaEsSampler", "NSGAIISampler", "NSGAIIISampler", "GridSampler", "GPSampler", "QMCSampler"]
SAMPLER_OF = {"create_nsgaii_sampler": "NSGAIISampler", "create_nsgaiii_sampler": "NSGAIIISampler"}
PRUNERS = ["NopPruner", "MedianPruner", "PercentilePruner", "SuccessiveHalvingPruner", "HyperbandPruner"]
PROCESS = "process"  # the user attribute that says which process runs a trial

study = None
space = {}
running = {}


def named(config, room, allowed):
    """The class that `_target_` names, and its keywords."""
    target = config["_target_"].rsplit(".", 1)[-1]
    name = SAMPLER_OF.get(target, target)
    if name not in allowed:
        raise ValueError(f"{config['_target_']} is none of {', '.join(allowed)}")
    keywords = {key: value for key, value in config.items() if not key.startswith("_") and value is not None}
    return name, getattr(room, name), keywords


def grid_of(distribution):
    """Every value of a distribution that can be listed."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, IntDistribution) and not distribution.log:
        return list(range(distribution.low, distribution.high + 1, distribution.step))
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        low, high, step = (Decimal(repr(number)) for number in (distribution.low, distribution.high, distribution.step))
        return [float(low + i * step) for i in range(int((high - low) // step) + 1)]
    raise ValueError("the grid sampler takes lists of values, choice(a, b) or range(start, stop, step); an interval has no end of them")


def make_sampler(config):
    """The sampler, and how many trials it has to offer (None: as many as one likes)."""
    name, make, keywords = named(config, optuna.samplers, SAMPLERS)
    if name != "GridSampler":
        return make(**keywords), None
    grid = {key: grid_of(distribution) for key, distribution in space.items()}
    size = 1
    for values in grid.values():
        size *= len(values)
    return make(grid, **keywords), size


def process_now():
    """Says this process so that nothing that comes after it can be taken for it."""
    return f"{socket.gethostname()} {os.getpid()} {started(os.getpid())}"


def started(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[19]
    except OSError:
        return "?"


def is_gone(process):
    """True when a trial's process can be seen to be gone; of another machine nothing is known."""
    host, pid, start = process.split(" ")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return started(pid) != start


def again(trial):
    """Puts the values of a trial that did not get to its end in front of those that the sampler draws."""
    study.enqueue_trial(trial.params, user_attrs={"again_for": trial.number})


def take_up():
    """Fails the trials that a killed process left running, and has them tried again."""
    taken, elsewhere = [], []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        process = trial.user_attrs.get(PROCESS)
        if process is None or not is_gone(process):
            elsewhere.append(trial.number)
            continue
        study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
        again(trial)
        taken.append(trial.number)
    return taken, elsewhere


def open_study(request):
    global study, space
    space = {name: json_to_distribution(text) for name, text in request["space"].items()}
    sampler, size = make_sampler(request["sampler"])
    _, make_pruner, keywords = named(request["pruner"], optuna.pruners, PRUNERS)
    study = optuna.create_study(
        storage=request["storage"],
        study_name=request["study"],
        directions=request["directions"],
        sampler=sampler,
        pruner=make_pruner(**keywords),
        load_if_exists=True,
    )
    directions = [direction.name.lower() for direction in study.directions]
    if directions != request["directions"]:
        raise ValueError(f"the study {study.study_name} is there with direction {directions}, not {request['directions']}")
    refuse_other_kinds()
    study.set_metric_names(request["metrics"])
    taken, elsewhere = take_up()
    trials = study.get_trials(deepcopy=False)
    visited = {trial.system_attrs["grid_id"] for trial in trials if "grid_id" in trial.system_attrs and trial.state.is_finished()}
    waiting = sum(trial.state == TrialState.WAITING for trial in trials)
    return {
        "study": study.study_name,
        "version": optuna.__version__,
        "trials": sum(trial.state != TrialState.WAITING for trial in trials),
        "left": None if size is None else size - len(visited) + waiting,
        "taken_up": taken,
        "elsewhere": elsewhere,
    }


def refuse_other_kinds():
    """A study keeps the kind of a parameter, and a list of choices as it is: a trial of another would fail, and one that waits be lost."""
    for trial in study.get_trials(deepcopy=False):
        for name in trial.distributions.keys() & space.keys():
            there, new = trial.distributions[name], space[name]
            try:
                check_distribution_compatibility(there, new)
            except ValueError as error:
                raise ValueError(
                    f"{name} is {there} in the study {study.study_name}, not {new}; write it as it was, or name another study with hydra.sweeper.study_name"
                ) from error


def ask(request):
    trial = study.ask()
    trial.set_user_attr(PROCESS, process_now())
    try:
        params = {name: suggested(trial, name, distribution) for name, distribution in space.items()}
    except BaseException:
        study.tell(trial, state=TrialState.FAIL)
        raise
    for key, value in request.get("attrs", {}).items():
        trial.set_user_attr(key, value)
    running[trial.number] = trial
    return {"trial": trial.number, "params": params}


def suggested(trial, name, distribution):
    if isinstance(distribution, CategoricalDistribution):
        return indexed(distribution, trial.suggest_categorical(name, distribution.choices))
    suggest = trial.suggest_int if isinstance(distribution, IntDistribution) else trial.suggest_float
    return suggest(name, distribution.low, distribution.high, step=distribution.step, log=distribution.log)


def indexed(distribution, value):
    """Choices go by their index: JSON does not tell 1 from 1.0."""
    return int(distribution.to_internal_repr(value)) if isinstance(distribution, CategoricalDistribution) else value


def report(request):
    trial = running[request["trial"]]
    trial.report(float(request["value"]), request["step"])
    return {"prune": bool(trial.should_prune())}


def tell(request):
    trial = running.pop(request["trial"])
    for key, value in request.get("attrs", {}).items():
        trial.set_user_attr(key, value)
    state = TrialState[request["state"].upper()]
    values = request["values"] if state == TrialState.COMPLETE else None
    try:
        study.tell(trial, values, state)
    except RuntimeError as error:
        if "Study.stop" not in str(error):  # a grid that is done asks for an end, which only study.optimize knows
            raise
    if request.get("again"):
        again(study.trials[trial.number])
    return {}


def as_number(value):
    """JSON has no infinity."""
    return value if value is None or abs(value) < float("inf") else repr(value)


def described(trial):
    return {
        "number": trial.number,
        "state": trial.state.name.lower(),
        "values": None if trial.values is None else [as_number(value) for value in trial.values],
        "params": {name: indexed(space[name], value) for name, value in trial.params.items() if can_index(name, value)},
        "epochs": [[step, as_number(value)] for step, value in trial.intermediate_values.items()],
        "seconds": None if trial.duration is None else trial.duration.total_seconds(),
        "attrs": {key: value for key, value in trial.user_attrs.items() if key != PROCESS},
    }


def can_index(name, value):
    """False for what an earlier call of the study searched, and this one does not."""
    distribution = space.get(name)
    return distribution is not None and (not isinstance(distribution, CategoricalDistribution) or value in distribution.choices)


def importances():
    """What of each objective's variance the parameters explain, by PED-ANOVA with the same keywords in Optuna 4 and 5."""
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.1, region_quantile=1.0, evaluate_on_local=True)
    targets = range(len(study.directions))
    return [
        optuna.importance.get_param_importances(study, evaluator=evaluator, target=lambda trial, i=i: target_of(trial, i))
        for i in targets
    ]


def target_of(trial, i):
    """PED-ANOVA takes low values for good ones where a target is given."""
    sign = 1 if study.directions[i] == optuna.study.StudyDirection.MINIMIZE else -1
    return sign * trial.values[i]


def summary(_):
    trials = study.get_trials(deepcopy=False)
    missing, found = None, []
    try:
        found = importances()
    except (ImportError, ValueError, RuntimeError) as error:
        missing = str(error).split("\n")[0]
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    best = [] if not complete else [study.best_trial] if len(study.directions) == 1 else study.best_trials
    return {
        "trials": [described(trial) for trial in trials],
        "best": [trial.number for trial in best],
        "importances": found,
        "importances_missing": missing,
    }


OPERATIONS = {"open": open_study, "ask": ask, "report": report, "tell": tell, "summary": summary}


def answer(line):
    try:
        request = json.loads(line)
        return OPERATIONS[request["op"]](request)
    except Exception as error:  # the other side decides what an error means
        return {"error": str(error), "kind": type(error).__name__}


def main():
    optuna.logging.enable_propagation()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    answers.write(json.dumps({"optuna": optuna.__version__, "python": sys.version.split()[0]}) + "\n")
    answers.flush()
    for line in sys.stdin:
        answers.write(json.dumps(answer(line)) + "\n")
        answers.flush()


main()
