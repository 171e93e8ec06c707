"""Reads YAML with PyYAML and OmegaConf. stdin: a JSON list of texts; stdout: a JSON list of {"pyyaml", "omegaconf"}, every value with its type."""

import json
import sys

import yaml
from omegaconf import OmegaConf


def typed(value):
    if isinstance(value, dict):
        return {typed_key(key): typed(member) for key, member in value.items()}
    if isinstance(value, list):
        return [typed(member) for member in value]
    return [type(value).__name__, repr(value) if isinstance(value, float) else str(value)]


def typed_key(key):
    return key if isinstance(key, str) else f"{type(key).__name__} {key}"


def read(load):
    try:
        return typed(load())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


texts = json.load(sys.stdin)
json.dump(
    [
        {
            "pyyaml": read(lambda: yaml.safe_load(text)),
            "omegaconf": read(lambda: OmegaConf.to_container(OmegaConf.create(text), resolve=False)),
        }
        for text in texts
    ],
    sys.stdout,
)
