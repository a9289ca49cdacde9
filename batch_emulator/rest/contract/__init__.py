"""The wire contract: which properties, types and enum values the service's requests and answers have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

__all__ = ["Contract", "Property", "load_contract"]


@dataclass(frozen=True)
class Property:
    """A property of a model.

    :param type: a scalar, enum or model name; ``[item]`` for a list, ``{item}`` for a map.
    """

    type: str
    required: bool
    read_only: bool


@dataclass(frozen=True)
class Contract:
    """The models and enums of one api-version."""

    version: str
    models: Mapping[str, Mapping[str, Property]]
    enums: Mapping[str, tuple[str, ...]]


@lru_cache
def load_contract(version: str = "2025-06-01") -> Contract:
    """The contract of an api-version, read once.

    :raises FileNotFoundError: when there is no contract for that version.
    """
    raw = json.loads(Path(__file__).with_name(f"{version}.json").read_bytes())
    models = {
        name: {wire_name: _property(text) for wire_name, text in properties.items()}
        for name, properties in raw["models"].items()
    }
    return Contract(raw["apiVersion"], models, {name: tuple(values) for name, values in raw["enums"].items()})


def _property(text: str) -> Property:
    return Property(text.rstrip("!~"), required="!" in text, read_only="~" in text)
