"""Writes packages/evaluation/test/golden/label-errors.json: what cleanlab says about small sets of labels and out-of-fold probabilities.

    pip install cleanlab==2.9.0 numpy==2.4.6
    python scripts/golden/label_errors.py
"""

import json
import pathlib
import platform

import cleanlab
import numpy as np
from cleanlab.count import compute_confident_joint, get_confident_thresholds
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

OUT = pathlib.Path(__file__).parents[2] / "packages/evaluation/test/golden/label-errors.json"


def cases():
    rng = np.random.default_rng(11)

    def flipped(rows, share, signal, noise):
        truth = (rng.random(rows) < share).astype(int)
        p = 1 / (1 + np.exp(-(rng.normal(size=rows) + signal * (truth - 0.5))))
        return p, np.where(rng.random(rows) < noise, 1 - truth, truth)

    yield "5 % flipped", *flipped(300, 0.5, 5.0, 0.05)
    yield "20 % flipped", *flipped(300, 0.5, 4.0, 0.2)
    yield "imbalanced", *flipped(300, 0.15, 4.0, 0.08)
    yield "uninformative", *flipped(120, 0.5, 0.0, 0.1)
    p, labels = flipped(200, 0.4, 3.0, 0.1)
    yield "skewed probabilities", p**3, labels
    yield "without contradictions", np.array([0.9, 0.8, 0.1, 0.2]), np.array([1, 1, 0, 0])


def describe(name, p, labels):
    pred_probs = np.stack([1 - p, p], axis=1)
    joint, indices = compute_confident_joint(
        labels, pred_probs, calibrate=False, return_indices_of_off_diagonals=True
    )
    ranked = find_label_issues(
        labels, pred_probs, filter_by="confident_learning", return_indices_ranked_by="normalized_margin", n_jobs=1
    )
    return {
        "name": name,
        "probabilities": p.tolist(),
        "labels": labels.tolist(),
        "thresholds": get_confident_thresholds(labels, pred_probs).tolist(),
        "joint": joint.tolist(),
        "off_diagonal": sorted(int(i) for i in indices),
        "issues": [int(i) for i in ranked],
        "normalized_margin": get_label_quality_scores(labels, pred_probs, method="normalized_margin").tolist(),
        "self_confidence": get_label_quality_scores(labels, pred_probs, method="self_confidence").tolist(),
    }


OUT.write_text(
    json.dumps(
        {
            "source": f"python scripts/golden/label_errors.py @python {platform.python_version()} cleanlab {cleanlab.__version__} numpy {np.__version__}",
            "cases": [describe(*case) for case in cases()],
        }
    )
    + "\n"
)
