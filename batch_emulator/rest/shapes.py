"""Answers in the shape of the api-version that was asked in.

The service shows all that any api-version knows. What the asking one does not know is left out, moved back,
or said otherwise. Which properties and values those are follows from the contracts; how, from tables here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from batch_emulator.rest.answers import ANSWERS
from batch_emulator.rest.contract import CURRENT_VERSION, Contract, load_contract, whole_contract
from batch_emulator.rest.exchange import Call
from batch_emulator.service.entities import Json

Fit = Callable[[Any], Any]

# Values of enums that older clients do not know, as their nearest words. [U]: the service's own choice is not
# public; it was chosen so that a client takes the node for one that it cannot use.
SAID_OTHERWISE: Mapping[str, Mapping[str, str]] = {
    "BatchNodeState": {"deallocating": "unknown", "deallocated": "unknown", "upgradingos": "unknown"}
}
# What moved: model -> (outer, inner) of the newest, and the name it had.
MOVED_BACK: Mapping[str, tuple[str, str, str]] = {
    "DataDisk": ("managedDisk", "storageAccountType", "storageAccountType")
}


def _communication_mode(pool: Json) -> str:
    """[U]: the service chooses; recorded answers of pools that asked for nothing say ``simplified``."""
    wanted = pool.get("targetNodeCommunicationMode", "default")
    return "simplified" if wanted == "default" else str(wanted)


# What the service told of every pool in api-versions that had it. In this order: later ones see earlier ones.
TOLD_ALWAYS: Mapping[str, Mapping[str, Callable[[Json], Any]]] = {
    "BatchPool": {
        "currentNodeCommunicationMode": _communication_mode,
        "targetNodeCommunicationMode": lambda pool: pool.get("targetNodeCommunicationMode", "default"),
    }
}


def fitted(call: Call, body: Json) -> Json:
    """The answer to a call in the shape of its api-version."""
    type_name = ANSWERS.get(call.operation.name)
    if type_name is None:
        return body
    model = type_name.strip("[]")
    fit = fit_of_model(model, call.contract.version)
    tell = _told_always(model, call.contract, call.query.get("$select", ""))
    if fit is None and not tell:
        return body
    if type_name[0] != "[":
        return _told(_changed(body, fit), tell)
    return {**body, "value": [_told(_changed(item, fit), tell) for item in body["value"]]}


def _changed(value: Any, fit: Fit | None) -> Any:
    return value if fit is None else fit(value)


def _told_always(model: str, contract: Contract, select: str) -> dict[str, Callable[[Json], Any]]:
    chosen = {name.strip() for name in select.split(",")} if select else None
    return {
        name: tell
        for name, tell in TOLD_ALWAYS.get(model, {}).items()
        if name in contract.models[model] and (chosen is None or name in chosen)
    }


def _told(item: Json, tell: Mapping[str, Callable[[Json], Any]]) -> Json:
    return {**item, **{name: say(item) for name, say in tell.items()}} if tell else item


@cache
def fit_of_model(model: str, version: str) -> Fit | None:
    """What changes a model of the whole contract into one of an api-version; ``None`` if nothing does."""
    whole, contract = whole_contract(), load_contract(version)
    known = contract.models[model]
    moved = MOVED_BACK.get(model) if version != CURRENT_VERSION else None
    dropped = frozenset(name for name in whole.models[model] if name not in known)
    inner = {
        name: fit
        for name, item in whole.models[model].items()
        if name in known and (fit := _fit_of_type(item.type, version)) is not None
    }
    if not dropped and not inner:
        return None

    def change(item: Json) -> Json:
        changed = {name: value for name, value in item.items() if name not in dropped}
        if moved is not None and moved[0] in item and moved[1] in item[moved[0]]:
            changed[moved[2]] = item[moved[0]][moved[1]]
        for name, fit in inner.items():
            if name in changed:
                changed[name] = fit(changed[name])
        return changed

    return change


def _fit_of_type(type_name: str, version: str) -> Fit | None:
    if type_name[0] == "[":
        fit = _fit_of_type(type_name[1:-1], version)
        return None if fit is None else lambda items: [fit(item) for item in items]
    if type_name[0] == "{":
        return None
    if type_name in load_contract(version).models:
        return fit_of_model(type_name, version)
    known = load_contract(version).enums.get(type_name)
    words = {
        value: word
        for value, word in SAID_OTHERWISE.get(type_name, {}).items()
        if known and value not in known
    }
    return (lambda value: words.get(value, value)) if words else None
