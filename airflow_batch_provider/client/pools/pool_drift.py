"""Comparing a pool as declared with the pool that is there. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_batch_provider.spec.values import SECRET_PROPERTIES

# Not compared: the service never returns secrets, and a resize timeout belongs to the last resize.
_UNSEEN = SECRET_PROPERTIES | {"id", "resizeTimeout", "settings"}
# Compared without regard to case: ARM ids, and names that the service spells its own way.
_CASELESS = frozenset(
    {
        "vmSize",
        "nodeFillType",
        "applicationId",
        "publisher",
        "offer",
        "sku",
        "version",
        "nodeAgentSKUId",
        "subnetId",
        "resourceId",
        "virtualMachineImageId",
        "scope",
        "elevationLevel",
        "caching",
        "storageAccountType",
        "provision",
        "protocol",
        "access",
        "policy",
        "mode",
        "targets",
        "placement",
        "type",
        "jobDefaultOrder",
        "loginMode",
        "dynamicVNetAssignmentScope",
    }
)
_DURATION = re.compile(
    r"P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_DURATION_SECONDS = (86400, 3600, 60, 1)
_LONGEST_SHOWN = 80

# Azure Batch REST reference: *Patch pool*: what a pool with nodes lets be changed, besides its size.
PATCHABLE = frozenset({"startTask", "applicationPackageReferences", "metadata"})
SCALE = frozenset(
    {
        "targetDedicatedNodes",
        "targetLowPriorityNodes",
        "enableAutoScale",
        "autoScaleFormula",
        "autoScaleEvaluationInterval",
    }
)


@dataclass(frozen=True)
class Difference:
    """A property that is not as declared.

    Parameters:
        path: the property in the wire model, such as ``taskSchedulingPolicy.nodeFillType``.
        declared, actual: its values; None: not there.
    """

    path: str
    declared: Any
    actual: Any

    @property
    def top(self) -> str:
        """The pool's own property that it is part of."""
        return re.split(r"[.\[]", self.path, maxsplit=1)[0]

    def __str__(self) -> str:
        return f"{self.path}: declared {_shown(self.declared)}, is {_shown(self.actual)}"


def find_drift(declared: Mapping[str, Any], actual: Mapping[str, Any]) -> list[Difference]:
    """What of a declaration a pool does not fulfil; what is not declared may be as it is.

    Parameters:
        declared: the wire model BatchPoolCreateOptions.
        actual: the wire model BatchPool.
    """
    wanted = dict(declared)
    wanted.setdefault("enableAutoScale", False)
    for name in sorted(PATCHABLE):  # what a declaration leaves out of these it means to be empty
        wanted.setdefault(name, None)
    return _compare("", wanted, actual)


def find_differences(declared: Mapping[str, Any], actual: Mapping[str, Any]) -> list[Difference]:
    """As ``find_drift``, of nothing but what is declared."""
    return _compare("", declared, actual)


def find_missing_identities(declared: Sequence[str], actual: Mapping[str, Any]) -> list[Difference]:
    """Managed identities that a pool is declared with and does not have."""
    listed = (actual.get("identity") or {}).get("userAssignedIdentities") or []
    there = {str(identity.get("resourceId")).lower() for identity in listed}
    missing = sorted(_name(identity) for identity in declared if identity.lower() not in there)
    return [Difference("identity", missing, sorted(map(_name, there)))] if missing else []


def _name(resource_id: str) -> str:
    return resource_id.rpartition("/")[2]


def _compare(path: str, declared: Any, actual: Any) -> list[Difference]:
    if isinstance(declared, Mapping) and isinstance(actual, Mapping):
        return [
            difference
            for name, value in declared.items()
            if name not in _UNSEEN
            for difference in _compare(f"{path}.{name}" if path else name, value, actual.get(name))
        ]
    if _is_list(declared) and _is_list(actual):
        return _compare_lists(path, declared, actual)
    if _is_empty(declared) and _is_empty(actual):
        return []
    return [] if _same(path, declared, actual) else [Difference(path, declared, actual)]


def _compare_lists(path: str, declared: Sequence[Any], actual: Sequence[Any]) -> list[Difference]:
    if len(declared) != len(actual):
        return [Difference(path, declared, actual)]
    left, right = sorted(declared, key=_order), sorted(actual, key=_order)
    return [
        difference
        for index, (wanted, there) in enumerate(zip(left, right, strict=True))
        for difference in _compare(f"{path}[{index}]", wanted, there)
    ]


def _order(item: Any) -> str:
    """A key that brings two spellings of a list into the same order."""
    if isinstance(item, Mapping):
        for name in ("name", "applicationId", "filePath", "httpUrl", "lun"):
            if name in item:
                return str(item[name]).lower()
    return str(item).lower()


def _same(path: str, declared: Any, actual: Any) -> bool:
    if not (isinstance(declared, str) and isinstance(actual, str)):
        return bool(declared == actual)
    name = re.split(r"[.\[]", path)[-1]
    if name in _CASELESS:
        return declared.lower() == actual.lower()
    if name.lower().endswith("url"):  # a SAS in the query is another one every time
        return declared.partition("?")[0] == actual.partition("?")[0]
    if name == "autoScaleFormula":
        return declared.split() == actual.split()
    seconds = seconds_of(declared)
    return declared == actual or (seconds is not None and seconds == seconds_of(actual))


def seconds_of(text: str) -> float | None:
    """Length of an ISO 8601 duration; None for other text."""
    found = _DURATION.fullmatch(text)
    if not found or text in ("P", "PT"):
        return None
    parts = zip(found.groups(), _DURATION_SECONDS, strict=True)
    return sum(float(amount) * unit for amount, unit in parts if amount)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_empty(value: Any) -> bool:
    return value is None or value is False or (not isinstance(value, (int, float)) and not value)


def _shown(value: Any) -> str:
    """A value for a message, shortened, without the query of URLs in it."""
    text = re.sub(r"(https?://[^\s'\"?]+)\?[^\s'\"]*", r"\1", str(value))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
