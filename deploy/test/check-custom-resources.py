"""Holds custom resources to their projects' own Python models: types, and no field that the models do not have.

    python check-custom-resources.py manifest.yaml …        prints a JSON list of problems

The models are generated from the types of which the CRDs are made, so what these say beyond types (values that are allowed, fields that must be there)
stands in `rules` below, each with the file that says it.
"""

import json
import re
import sys
import typing

import yaml
from kubernetes import client as kubernetes_client
from kubeflow.training import models as training_models
from kubeflow_katib_api import models as katib_models
from kubeflow_trainer_api import models as trainer_models
from pydantic import BaseModel, ValidationError

pydantic_models = {
    ("jobset.x-k8s.io/v1alpha2", "JobSet"): trainer_models.JobsetV1alpha2JobSet,
    ("trainer.kubeflow.org/v1alpha1", "TrainingRuntime"): trainer_models.TrainerV1alpha1TrainingRuntime,
    ("trainer.kubeflow.org/v1alpha1", "ClusterTrainingRuntime"): trainer_models.TrainerV1alpha1ClusterTrainingRuntime,
    ("trainer.kubeflow.org/v1alpha1", "TrainJob"): trainer_models.TrainerV1alpha1TrainJob,
    ("kubeflow.org/v1beta1", "Experiment"): katib_models.V1beta1Experiment,
}
openapi_models = {("kubeflow.org/v1", "TFJob"): "KubeflowOrgV1TFJob"}

jobset_crd = "kubernetes-sigs/jobset@08dfbdf config/components/crd/bases/jobset.x-k8s.io_jobsets.yaml"
jobset_webhook = "kubernetes-sigs/jobset@08dfbdf pkg/webhooks/jobset_webhook.go"
trainjob_crd = "kubeflow/trainer@8c0f505 manifests/base/crds/trainer.kubeflow.org_trainjobs.yaml"
tfjob_types = "kubeflow/training-operator@186ac6c pkg/apis/kubeflow.org/v1/common_types.go, tensorflow_types.go"
katib_webhook = "kubeflow/katib@33c8ff4 pkg/webhook/v1beta1/experiment/validator/validator.go"

actions = ["FailJobSet", "RestartJobSet", "RestartJobSetAndIgnoreMaxRestarts", "RestartJob", "RestartJobAndIgnoreMaxRestarts"]
reasons = ["BackoffLimitExceeded", "DeadlineExceeded", "FailedIndexes", "MaxFailedIndexesExceeded", "PodFailurePolicy"]
jobset_rules = [
    ("failurePolicy.restartStrategy", ["Recreate", "BlockingRecreate", "InPlaceRestart"], jobset_crd),
    ("failurePolicy.rules[].action", actions, jobset_crd),
    ("failurePolicy.rules[].name", re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"), jobset_webhook),
    ("failurePolicy.rules[].onJobFailureReasons[]", reasons, jobset_webhook),
    ("successPolicy.operator", ["All", "Any"], jobset_crd),
]

# kind → (path, values or pattern, source); only what is there is looked at
rules = {
    "JobSet": [("spec." + path, allowed, source) for path, allowed, source in jobset_rules],
    "TrainingRuntime": [("spec.template.spec." + path, allowed, source) for path, allowed, source in jobset_rules],
    "TrainJob": [
        ("metadata.name", re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?"), trainjob_crd),
        ("spec.runtimeRef.kind", ["ClusterTrainingRuntime", "TrainingRuntime"], trainjob_crd),
        ("spec.trainer.env[].name", re.compile(r"(?!PET_).*"), "kubeflow/trainer@8c0f505 pkg/runtime/framework/plugins/torch/torch.go"),
    ],
    "TFJob": [
        ("spec.runPolicy.cleanPodPolicy", ["All", "Running", "None"], tfjob_types),
        ("spec.successPolicy", ["", "AllWorkers"], tfjob_types),
        ("spec.tfReplicaSpecs.*.restartPolicy", ["Always", "OnFailure", "Never", "ExitCode"], tfjob_types),
    ],
    "Experiment": [
        ("metadata.name", re.compile(r"[a-z][-a-z0-9]{0,38}[a-z0-9]?"), katib_webhook),
        ("spec.objective.type", ["minimize", "maximize"], katib_webhook),
        ("spec.parameters[].parameterType", ["double", "int", "categorical", "discrete"], katib_webhook),
        ("spec.parameters[].feasibleSpace.distribution", ["uniform", "logUniform", "normal", "logNormal"], katib_webhook),
        ("spec.metricsCollectorSpec.collector.kind", ["StdOut", "File", "TensorFlowEvent", "PrometheusMetric", "Custom", "Push", "None"], katib_webhook),
    ],
}

# kind → paths that must be there
required = {
    "JobSet": ["spec.replicatedJobs[].name", "spec.replicatedJobs[].template.spec.template.spec.containers[].name"],
    "TrainingRuntime": ["spec.mlPolicy", "spec.template.spec.replicatedJobs[].name"],
    "TrainJob": ["spec.runtimeRef.name"],
    "TFJob": ["spec.tfReplicaSpecs.*.template.spec.containers[].name"],
    "Experiment": [
        "spec.objective.objectiveMetricName",
        "spec.algorithm.algorithmName",
        "spec.parameters[].feasibleSpace",
        "spec.trialTemplate.primaryContainerName",
        "spec.trialTemplate.trialSpec.apiVersion",
    ],
}


def unknown_fields(value, annotation, where):
    """Fields that a pydantic model lacks, in everything below it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Union:
        annotation = next(argument for argument in arguments if argument is not type(None))
        yield from unknown_fields(value, annotation, where)
    elif origin is typing.Annotated:
        yield from unknown_fields(value, arguments[0], where)
    elif origin is list and isinstance(value, list):
        for i, item in enumerate(value):
            yield from unknown_fields(item, arguments[0], f"{where}[{i}]")
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from unknown_fields(item, arguments[1], f"{where}.{key}")
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel) and isinstance(value, dict):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        if set(fields) <= {"actual_instance", "anyof_schema_1_validator", "anyof_schema_2_validator", "any_of_schemas"}:
            return
        for key, item in value.items():
            if key in fields:
                yield from unknown_fields(item, fields[key].annotation, f"{where}.{key}")
            else:
                yield f"{where}.{key}: {annotation.__name__} has no such field"


scalars = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object, "datetime": str}


def openapi_problems(value, type_name, where):
    """The same for models of the older generator, whose types are names."""
    nested = re.fullmatch(r"(list|dict)[(\[](?:str, )?(.+)[)\]]", type_name)
    if nested:
        kind, inner = nested.groups()
        if not isinstance(value, list if kind == "list" else dict):
            yield f"{where}: expected a {kind}, got {value!r}"
            return
        for key, item in enumerate(value) if kind == "list" else value.items():
            yield from openapi_problems(item, inner, f"{where}.{key}")
    elif type_name in scalars:
        if not isinstance(value, scalars[type_name]) or (type_name == "int" and isinstance(value, bool)):
            yield f"{where}: expected {type_name}, got {value!r}"
    else:
        model = getattr(training_models, type_name, None) or getattr(kubernetes_client, type_name)
        fields = {key: model.openapi_types[name] for name, key in model.attribute_map.items()}
        for key, item in value.items():
            if key in fields:
                yield from openapi_problems(item, fields[key], f"{where}.{key}")
            else:
                yield f"{where}.{key}: {type_name} has no such field"


def at(value, path):
    """Every (place, value) of a path; None for what is missing."""
    places = [("", value)]
    for part in re.findall(r"[^.\[\]]+|\[\]", path):
        found = []
        for where, item in places:
            if part == "[]":
                found += [(f"{where}[{i}]", each) for i, each in enumerate(item or [])]
            elif part == "*":
                found += [(f"{where}.{key}", each) for key, each in (item or {}).items()]
            else:
                found.append((f"{where}.{part}", item.get(part) if isinstance(item, dict) else None))
        places = found
    return places


def broken_rules(document):
    for path, allowed, source in rules[document["kind"]]:
        for where, value in at(document, path):
            fits = value is None or (allowed.fullmatch(value) if hasattr(allowed, "fullmatch") else value in allowed)
            if not fits:
                yield f"{where[1:]}: {value!r} is not allowed by {source}"
    for path in required[document["kind"]]:
        for where, value in at(document, path):
            if value is None:
                yield f"{where[1:]} is missing"


def problems_of(document):
    key = (document.get("apiVersion"), document.get("kind"))
    if key in openapi_models:
        yield from openapi_problems(document, openapi_models[key], key[1])
    elif key in pydantic_models:
        model = pydantic_models[key]
        yield from unknown_fields(document, model, key[1])
        try:
            model.from_dict(document)
        except ValidationError as error:
            yield from (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
    else:
        return
    yield from broken_rules(document)


found, seen = [], []
for file in sys.argv[1:]:
    with open(file, encoding="utf-8") as text:
        for document in yaml.safe_load_all(text):
            key = (document.get("apiVersion"), document.get("kind"))
            if key in openapi_models or key in pydantic_models:
                seen.append(document["kind"])
            found += [f"{file}: {problem}" for problem in problems_of(document)]
print(json.dumps({"seen": seen, "problems": found}))
