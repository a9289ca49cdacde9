"""The wire contract: which properties, types and enum values the service's requests and answers have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from batch_emulator.rest.contract.history import REMOVED_ENUMS, REMOVED_MODELS, REVISIONS, Revision

__all__ = ["API_VERSIONS", "CURRENT_VERSION", "Contract", "Property", "load_contract", "whole_contract"]

API_VERSIONS = tuple(revision.version for revision in REVISIONS)
CURRENT_VERSION = API_VERSIONS[0]
Models = dict[str, dict[str, "Property"]]


@dataclass(frozen=True)
class Property:
    """A property of a model.

    :param type: a scalar, enum or model name, or ``any``; ``[item]`` for a list, ``{item}`` for a map.
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
def load_contract(version: str = CURRENT_VERSION) -> Contract:
    """The contract of an api-version, made once.

    :param version: one of :data:`API_VERSIONS`.
    :raises ValueError: when there is no contract for that version.
    """
    later = REVISIONS[: API_VERSIONS.index(version)]
    if not later:
        return _current()
    models: Models = {name: dict(properties) for name, properties in _current().models.items()}
    models |= _removed_models()
    enums: dict[str, tuple[str, ...]] = {**_current().enums, **REMOVED_ENUMS}
    for revision in later:
        _undo(revision, models, enums)
    return Contract(version, models, enums)


@lru_cache
def whole_contract() -> Contract:
    """All that any api-version knows."""
    models: Models = {name: dict(properties) for name, properties in _current().models.items()}
    models |= _removed_models()
    for revision in REVISIONS:
        for name, properties in revision.removed.items():
            models[name] |= {key: _property(text) for key, text in properties.items()}
    return Contract("all", models, {**_current().enums, **REMOVED_ENUMS})


@lru_cache
def _current() -> Contract:
    raw = json.loads(Path(__file__).with_name(f"{CURRENT_VERSION}.json").read_bytes())
    enums = {name: tuple(values) for name, values in raw["enums"].items()}
    return Contract(raw["apiVersion"], _models(raw["models"]), enums)


def _removed_models() -> Models:
    return _models(REMOVED_MODELS)


def _models(texts: Mapping[str, Mapping[str, str]]) -> Models:
    return {
        name: {wire_name: _property(text) for wire_name, text in properties.items()}
        for name, properties in texts.items()
    }


def _undo(revision: Revision, models: Models, enums: dict[str, tuple[str, ...]]) -> None:
    for name, removed in revision.removed.items():
        models[name] |= {key: _property(text) for key, text in removed.items()}
    for name, added in revision.added.items():
        for key in added:
            del models[name][key]
    for name, values in revision.added_values.items():
        enums[name] = tuple(value for value in enums[name] if value not in values)


def _property(text: str) -> Property:
    return Property(text.rstrip("!~"), required="!" in text, read_only="~" in text)
