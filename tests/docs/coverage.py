"""Tables of what the emulator covers: operation by operation, property by property, rule by rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from batch_emulator.differences import DIFFERENCES
from batch_emulator.rest import operations as rest
from batch_emulator.rest.contract.history import REVISIONS
from batch_emulator.rest.errors import KINDS
from batch_emulator.rest.handlers import all_handlers
from batch_emulator.service import error_kinds, limits, transitions
from batch_emulator.service.durations import format_duration
from batch_emulator.service.errors import ErrorKind
from tests.docs.assumed import assumptions
from tests.docs.probing import places, refusals, settable

_HOW = {item.subject: f"differs: {item.how}" for item in DIFFERENCES}


def operation_by_operation() -> list[str]:
    """Each operation with its request, and what there is of it."""
    handled = all_handlers()
    since = {name: item.version for item in REVISIONS for name in item.added_operations}
    rows = []
    for item in rest.OPERATIONS:
        state = _HOW.get(item.name, "supported") if item.name in handled else "refused: 501 `NotImplemented`"
        conditional = "yes" if item.conditional else "no"
        request = f"`{item.method} {item.path}`"
        rows.append(
            row(f"`{item.name}`", request, str(item.status), conditional, since.get(item.name, "all"), state)
        )
    return rows


def property_by_property() -> list[str]:
    """Each model of a request with its properties, by what becomes of them."""
    return list(_models())


def _models() -> Iterator[str]:
    refused = refusals()
    for model in sorted(places()):
        names = settable(model)
        differing = [name for name in names if f"{model}.{name}" in _HOW]
        no = [name for name in names if (model, name) in refused]
        yes = [name for name in names if name not in no and name not in differing]
        yield row(f"`{model}`", _names(yes), _names(differing), _names(no))


def refused_properties() -> list[str]:
    """Each refused property with the error's reason, as the running code gives it."""
    return [
        row(f"`{model}`", f"`{name}`", "400 `UnsupportedProperty`", reason)
        for (model, name), reason in sorted(refusals().items())
    ]


def differences() -> list[str]:
    """What is taken and yet not the same as on Azure."""
    return [row(f"`{item.subject}`", item.how, item.why) for item in DIFFERENCES]


def error_codes() -> list[str]:
    """Every code that a request can be refused with."""
    of_rules = [kind for kind in vars(error_kinds).values() if isinstance(kind, ErrorKind)]
    kinds = {kind.code: kind for kind in (*KINDS.values(), *of_rules)}
    return [row(f"`{code}`", str(kinds[code].status), kinds[code].message) for code in sorted(kinds)]


def fixed_limits() -> list[str]:
    """The numbers that rules go by."""
    named = {name: value for name, value in vars(limits).items() if name.isupper()}
    return [
        row(
            name.lower().replace("_", " "),
            format_duration(value) if isinstance(value, timedelta) else str(value),
        )
        for name, value in named.items()
    ]


def states() -> list[str]:
    """Which state may follow which."""
    return [
        row(family.replace("_", " "), f"`{state}`", _names(sorted(followers)))
        for family, table in transitions.TABLES.items()
        for state, followers in table.items()
    ]


def assumed() -> list[str]:
    """Each decision where the documents are silent."""
    return [
        row(f"`{item.module}`", f"`{item.name}`" if item.name else "a rule", item.reason)
        for item in assumptions()
    ]


def row(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


TABLES = {
    "operation by operation": operation_by_operation,
    "property by property": property_by_property,
    "refused properties": refused_properties,
    "differences": differences,
    "error codes": error_codes,
    "limits": fixed_limits,
    "states": states,
    "assumptions": assumed,
}
