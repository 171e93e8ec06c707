"""Writes packages/evaluation/test/golden/paired.json: what statsmodels and SciPy say about two models that judged the same posts.

    pip install statsmodels==0.15.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
    python scripts/golden/paired.py
"""

import json
import math
import pathlib
import platform
import warnings

import numpy as np
import scipy
import sklearn
import statsmodels
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import bootstrap, norm
from sklearn import metrics
from sklearn.calibration import calibration_curve
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep

OUT = pathlib.Path(__file__).parents[2] / "packages/evaluation/test/golden/paired.json"
BINS = 15
# Both right, only the first right, only the second right, both wrong.
TABLES = [(16, 3, 9, 4), (90, 5, 1, 4), (50, 0, 0, 50), (0, 8, 0, 2), (10, 0, 0, 0), (400, 61, 35, 104), (3, 1, 0, 1), (5000, 800, 900, 300)]


def tango(first, second, rows, level=0.95):
    """Ends of the score interval: the differences at which the likelihood's constrained maximum is z standard errors away (no closed form)."""
    z = norm.ppf((1 + level) / 2)

    def likeliest(d):
        low, high = max(0.0, -d), (1 - d) / 2
        if high - low < 1e-14:
            return low
        rest = rows - first - second
        x_log = lambda n, p: 0.0 if n == 0 else n * math.log(max(p, 1e-300))
        loss = lambda q: -(x_log(second, q + d) + x_log(first, q) + x_log(rest, 1 - 2 * q - d))
        return minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x

    def score(d):
        q = likeliest(d)
        return (second - first - rows * d) / math.sqrt(max(1e-300, rows * (2 * q + d - d * d)))

    value, edge = (second - first) / rows, 1 - 1e-9
    low = -1.0 if value <= -edge else brentq(lambda d: score(d) - z, -edge, value - 1e-12)
    high = 1.0 if value >= edge else brentq(lambda d: score(d) + z, value + 1e-12, edge)
    return {"value": value, "low": low, "high": high}


def pair(both, first, second, neither):
    rows = both + first + second + neither
    test = mcnemar([[both, first], [second, neither]], exact=True)
    return {
        "counts": {"bothRight": both, "onlyFirstRight": first, "onlySecondRight": second, "bothWrong": neither},
        "pValue": float(test.pvalue),
        "tango": tango(first, second, rows),
    }


def independent():
    for a, n, b, m in [(40, 50, 45, 60), (0, 10, 10, 10), (20, 20, 30, 30), (842, 1000, 811, 1200)]:
        low, high = confint_proportions_2indep(b, m, a, n, method="newcomb", compare="diff")
        yield {"first": {"right": a, "rows": n}, "second": {"right": b, "rows": m}, "low": float(low), "high": float(high)}


def ece(y, p):
    prob_true, prob_pred = calibration_curve(y, p, n_bins=BINS, strategy="uniform")
    ids = np.searchsorted(np.linspace(0.0, 1.0, BINS + 1)[1:-1], p)
    counts = np.bincount(ids, minlength=BINS)
    return float(np.sum(counts[counts > 0] * np.abs(prob_true - prob_pred)) / len(p))


MEASURES = {
    "f1": lambda y, p: metrics.f1_score(y, p > 0.5),
    "rocAuc": metrics.roc_auc_score,
    "averagePrecision": metrics.average_precision_score,
    "loss": metrics.log_loss,
    "brier": metrics.brier_score_loss,
    "ece": ece,
}


def models():
    """Two models with much of their noise in common; the second is a little better."""
    rng = np.random.default_rng(23)
    labels = (rng.random(300) < 0.45).astype(int)
    shared = rng.normal(size=300)
    say = lambda signal, noise: 1 / (1 + np.exp(-(signal * (labels - 0.5) + shared + noise * rng.normal(size=300))))
    first, second = say(1.4, 0.5), say(2.2, 0.5)
    differences = {}
    for name, measure in MEASURES.items():
        between = lambda y, a, b: measure(y, b) - measure(y, a)
        drawn = bootstrap((labels, first, second), between, paired=True, vectorized=False, n_resamples=4_000, method="percentile", rng=5)
        values = drawn.bootstrap_distribution
        # The package moves the calibration error's interval back by its bias, as bootstrapIntervals does.
        value = between(labels, first, second)
        bias = float(values.mean() - value) if name == "ece" else 0.0
        ci = drawn.confidence_interval
        differences[name] = {"value": float(value), "low": float(ci.low) - bias, "high": float(ci.high) - bias}
    return {"labels": labels.tolist(), "first": first.tolist(), "second": second.tolist(), "differences": differences}


def main():
    warnings.simplefilter("ignore")
    versions = f"@python {platform.python_version()} statsmodels {statsmodels.__version__} scikit-learn {sklearn.__version__} scipy {scipy.__version__} numpy {np.__version__}"
    golden = {
        "source": f"python scripts/golden/paired.py {versions}",
        "pairs": [pair(*table) for table in TABLES],
        "independent": list(independent()),
        "models": models(),
    }
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
