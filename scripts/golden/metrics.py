"""Writes packages/evaluation/test/golden/metrics.json: what scikit-learn and SciPy say about small sets of scored rows.

    pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
    python scripts/golden/metrics.py
"""

import json
import math
import pathlib
import platform
import warnings

import numpy as np
import scipy
import sklearn
from scipy.stats import binomtest
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

OUT = pathlib.Path(__file__).parents[2] / "packages/evaluation/test/golden/metrics.json"
BINS = 15


def cases():
    rng = np.random.default_rng(7)

    def scored(rows, share, signal, decimals=None):
        labels = (rng.random(rows) < share).astype(int)
        p = 1 / (1 + np.exp(-(rng.normal(size=rows) * 1.5 + signal * (labels - 0.5))))
        return (np.round(p, decimals) if decimals is not None else p), labels

    yield "informative", *scored(120, 0.5, 2.0), 0.5
    yield "many ties", *scored(200, 0.45, 1.5, decimals=1), 0.5
    yield "ties on the threshold", *scored(150, 0.5, 1.0, decimals=1), 0.3
    yield "imbalanced", *scored(250, 0.04, 2.0), 0.35
    yield "uninformative", *scored(100, 0.5, 0.0), 0.5
    yield "perfect", np.array([0.9, 0.8, 0.1, 0.2]), np.array([1, 1, 0, 0]), 0.5
    yield "inverted", np.array([0.9, 0.8, 0.1, 0.2]), np.array([0, 0, 1, 1]), 0.5
    yield "two rows", np.array([0.4, 0.6]), np.array([1, 0]), 0.5
    yield "all the same probability", np.full(10, 0.5), np.array([1, 0] * 5), 0.5
    yield "certain and wrong", np.array([0.0, 1.0, 1.0, 0.0]), np.array([1, 0, 1, 0]), 0.5
    yield "never fake", np.array([0.1, 0.2, 0.3, 0.4]), np.array([1, 0, 0, 1]), 0.5
    yield "exact 95 % of 20", np.arange(40) / 40, np.array([0, 1] * 20), 0.5


def ece(p, y):
    """Expected calibration error from scikit-learn's own bins: their means, weighted by the rows that fall into each."""
    prob_true, prob_pred = calibration_curve(y, p, n_bins=BINS, strategy="uniform")
    ids = np.searchsorted(np.linspace(0.0, 1.0, BINS + 1)[1:-1], p)
    counts = np.bincount(ids, minlength=BINS)
    return float(np.sum(counts[counts > 0] * np.abs(prob_true - prob_pred)) / len(p))


def describe(name, p, y, threshold):
    said = (p > threshold).astype(int)
    tn, fp, fn, tp = metrics.confusion_matrix(y, said, labels=[0, 1]).ravel()
    fpr, tpr, roc_thresholds = metrics.roc_curve(y, p, drop_intermediate=False)
    precision, recall, pr_thresholds = metrics.precision_recall_curve(y, p)
    prob_true, prob_pred = calibration_curve(y, p, n_bins=10, strategy="uniform")
    return {
        "name": name,
        "probabilities": p.tolist(),
        "labels": y.tolist(),
        "threshold": threshold,
        "confusion": {"tn": int(tn), "fp": int(fp), "fn": int(fn), "tp": int(tp)},
        "metrics": {
            "accuracy": metrics.accuracy_score(y, said),
            "balancedAccuracy": metrics.balanced_accuracy_score(y, said),
            "precision": metrics.precision_score(y, said, zero_division=0),
            "recall": metrics.recall_score(y, said),
            "specificity": metrics.recall_score(y, said, pos_label=0),
            "f1": metrics.f1_score(y, said),
            "rocAuc": metrics.roc_auc_score(y, p),
            "averagePrecision": metrics.average_precision_score(y, p),
            "fprAt95Tpr": float(fpr[np.argmax(tpr >= 0.95)]),
            "loss": metrics.log_loss(y, p),
            "brier": metrics.brier_score_loss(y, p),
            "ece": ece(p, y),
        },
        "roc": {"fpr": fpr.tolist(), "tpr": tpr.tolist(), "threshold": roc_thresholds[1:].tolist()},
        "precisionRecall": {
            "precision": precision.tolist(),
            "recall": recall.tolist(),
            "threshold": pr_thresholds.tolist(),
        },
        "calibration": {"shareFake": prob_true.tolist(), "meanProbability": prob_pred.tolist()},
    }


def wilson():
    for k, n, level in [(0, 10, 0.95), (10, 10, 0.95), (842, 1000, 0.95), (1, 3, 0.9), (49, 98, 0.99), (5, 1000, 0.999)]:
        ci = binomtest(k, n).proportion_ci(level, method="wilson")
        yield {"successes": k, "trials": n, "confidence": level, "low": ci.low, "high": ci.high}


def temperatures():
    """Without an intercept, logistic regression on the logit alone finds 1 / temperature."""
    rng = np.random.default_rng(11)
    for name, scale, rows in [("overconfident", 4.0, 200), ("underconfident", 0.3, 200), ("few rows", 1.0, 30)]:
        truth = rng.normal(size=rows) * 1.5
        labels = (rng.random(rows) < 1 / (1 + np.exp(-truth))).astype(int)
        logits = truth * scale
        model = LogisticRegression(fit_intercept=False, C=np.inf, tol=1e-12, max_iter=10_000)
        model.fit(logits[:, None], labels)
        temperature = 1 / model.coef_[0, 0]
        loss = metrics.log_loss(labels, 1 / (1 + np.exp(-logits / temperature)))
        yield {"name": name, "logits": logits.tolist(), "labels": labels.tolist(), "temperature": temperature, "loss": loss}


def main():
    warnings.simplefilter("ignore")
    versions = f"@python {platform.python_version()} scikit-learn {sklearn.__version__} scipy {scipy.__version__} numpy {np.__version__}"
    golden = {
        "source": f"python scripts/golden/metrics.py {versions}",
        "bins": BINS,
        "cases": [describe(*case) for case in cases()],
        "wilson": list(wilson()),
        "temperatures": list(temperatures()),
    }
    assert not any(math.isnan(v) for case in golden["cases"] for v in case["metrics"].values())
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
