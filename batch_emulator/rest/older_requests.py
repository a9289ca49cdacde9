"""From what an older api-version may say to what the newest one says.

The service speaks the newest api-version. What that one lacks is kept beside (it comes back to clients that
know it), moved, or refused, as this table says. Source: published clients and contracts of the older
api-versions; what retired features do here is our decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from batch_emulator.rest.contract import CURRENT_VERSION, Contract, load_contract
from batch_emulator.rest.errors import refusal
from batch_emulator.service.entities import Json

Rule = Callable[[Json, str, str], None]


@dataclass(frozen=True)
class Moved:
    """A property that is elsewhere now."""

    to: tuple[str, str]

    def __call__(self, owner: Json, name: str, _path: str) -> None:
        outer, inner = self.to
        owner[outer] = {inner: owner.pop(name), **owner.get(outer, {})}


@dataclass(frozen=True)
class OnlyEmpty:
    """A list that may still be given, but has to be empty."""

    reason: str

    def __call__(self, owner: Json, name: str, path: str) -> None:
        if owner.pop(name):
            raise refusal("InvalidPropertyValue", PropertyName=path, Reason=self.reason)


@dataclass(frozen=True)
class Retired:
    """A property that cannot be honoured any more."""

    reason: str

    def __call__(self, _owner: Json, _name: str, path: str) -> None:
        raise refusal("InvalidPropertyValue", PropertyName=path, Reason=self.reason)


def _keep(_owner: Json, _name: str, _path: str) -> None:
    """A record: it changes nothing here and comes back to clients that know it."""


CERTIFICATES_RETIRED = "Certificates on nodes were retired on 29 February 2024."
RULES: Mapping[str, Rule] = {
    "applicationLicenses": _keep,
    "authenticationTokenSettings": _keep,
    "certificateReferences": OnlyEmpty(CERTIFICATES_RETIRED),
    "cloudServiceConfiguration": Retired(
        "Cloud Services pools were retired on 29 February 2024. Give a virtualMachineConfiguration."
    ),
    "resourceTags": _keep,
    "storageAccountType": Moved(("managedDisk", "storageAccountType")),
    "targetNodeCommunicationMode": _keep,
}


def modernised(body: Json, model: str, contract: Contract) -> Json:
    """A valid body of an api-version as the newest one would say it.

    :param body: as :func:`validate_body` gives it; may be changed.
    :raises BatchError: ``InvalidPropertyValue`` for what was retired.
    """
    if contract.version != CURRENT_VERSION:
        _visit(body, model, contract, load_contract(), "")
    return body


def _visit(value: Any, type_name: str, contract: Contract, newest: Contract, path: str) -> None:
    if type_name[0] in "[{":
        items = value.items() if type_name[0] == "{" else enumerate(value)
        for key, item in items:
            _visit(item, type_name[1:-1], contract, newest, f"{path}.{key}")
    elif type_name in contract.models:
        known = newest.models.get(type_name, {})
        for name in tuple(value):
            here = f"{path}.{name}" if path else name
            _visit(value[name], contract.models[type_name][name].type, contract, newest, here)
            if name not in known and type_name in newest.models:
                RULES[name](value, name, here)
