"""``$select`` and ``$expand``: which properties come back.

Source: Azure Batch REST reference, *Efficient list queries*.
"""

from __future__ import annotations

from collections.abc import Mapping

from batch_emulator.rest.contract import Contract
from batch_emulator.rest.errors import refusal
from batch_emulator.service.entities import Json


def selected_names(query: Mapping[str, str], model: str, contract: Contract) -> frozenset[str] | None:
    """The names that ``$select`` asks for; ``None`` means all.

    ``$expand`` may only name ``stats``, on models that have statistics.

    :raises BatchError: ``InvalidQueryParameterValue``.
    """
    properties = contract.models[model]
    for name in _names(query.get("$expand", "")):
        if name != "stats" or "stats" not in properties:
            raise _refused("$expand", query["$expand"], f"'{name}' cannot be expanded.")
    chosen = _names(query.get("$select", ""))
    for name in chosen:
        if name not in properties:
            raise _refused("$select", query["$select"], f"There is no property '{name}'.")
    return frozenset(chosen) or None


def wants_statistics(query: Mapping[str, str]) -> bool:
    """Whether statistics are asked for: by ``$expand``, or by name, for which no ``$expand`` is needed."""
    return "stats" in (*_names(query.get("$expand", "")), *_names(query.get("$select", "")))


def select(entity: Json, names: frozenset[str] | None) -> Json:
    """Only the chosen properties of a rendered entity."""
    return entity if names is None else {name: value for name, value in entity.items() if name in names}


def _names(text: str) -> list[str]:
    # Azure CLI puts blanks after the commas.
    return [name for part in text.split(",") if (name := part.strip())]


def _refused(parameter: str, value: str, reason: str) -> Exception:
    return refusal(
        "InvalidQueryParameterValue", QueryParameterName=parameter, QueryParameterValue=value, Reason=reason
    )
