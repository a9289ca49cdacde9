"""Faults out of JSON, whole or not at all: what is not understood is refused with place and reason."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from batch_emulator.faults.record import NODE_FAULTS, REQUEST_FAULTS, CapacityLimit, Faults, QuotaLimits

T = TypeVar("T")
_MAX_RULES = 1_000
# What every reader of JSON gives back as it was.
_MAX_WHOLE = 2**53


class FaultsError(ValueError):
    """A description of faults that cannot be used; the text names the place and says what is allowed."""


def load_faults(path: Path, operations: Iterable[str]) -> Faults:
    """Faults of a JSON file.

    :param operations: names that rules may speak of.
    :raises FaultsError: it cannot be read, or is not a description of faults.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise FaultsError(f"The faults file {path} cannot be read: {reason}.") from None
    try:
        return parse_faults(json.loads(text), operations)
    except json.JSONDecodeError as error:
        raise FaultsError(
            f"The faults file {path} is not JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise FaultsError(f"The faults file {path} is nested too deeply.") from None
    except FaultsError as error:
        raise FaultsError(f"The faults file {path}: {error}") from None


def parse_faults(value: Any, operations: Iterable[str]) -> Faults:
    """Faults of parsed JSON.

    :param operations: names that rules may speak of.
    :raises FaultsError: naming the property.
    """
    members = _members(value, "faults", ("seed", "requests", "nodes", "quotas", "capacity"))
    known = frozenset(operations)
    return Faults(
        seed=_integer(members.get("seed", 0), "seed", (None, None)),
        requests=_rules(members.get("requests", []), "requests", REQUEST_FAULTS, known),
        nodes=_rules(members.get("nodes", []), "nodes", NODE_FAULTS, known),
        quotas=_record(members.get("quotas", {}), "quotas", QuotaLimits, known),
        capacity=tuple(
            _record(item, where, CapacityLimit, known)
            for item, where in _items(members.get("capacity", []), "capacity")
        ),
    )


def _rules(value: Any, where: str, kinds: Mapping[str, type[T]], known: frozenset[str]) -> tuple[T, ...]:
    return tuple(_rule(item, place, kinds, known) for item, place in _items(value, where))


def _items(value: Any, where: str) -> list[tuple[Any, str]]:
    """The items of a list with their places."""
    if not isinstance(value, list) or len(value) > _MAX_RULES:
        raise FaultsError(f"{where} must be a list of at most {_MAX_RULES} rules.")
    return [(item, f"{where}[{place}]") for place, item in enumerate(value)]


def _rule(value: Any, where: str, kinds: Mapping[str, type[T]], known: frozenset[str]) -> T:
    if not isinstance(value, dict):
        raise FaultsError(f"{where} must be an object with a member 'fault'.")
    kind = _choice(value.get("fault"), f"{where}.fault", tuple(kinds))
    rest = {name: member for name, member in value.items() if name != "fault"}
    return _record(rest, where, kinds[kind], known)


def _record(value: Any, where: str, kind: type[T], known: frozenset[str]) -> T:
    items = {item.metadata["name"]: item for item in fields(kind)}  # type: ignore[arg-type]
    members = _members(value, where, tuple(items))
    return kind(
        **{
            items[name].name: _CHECKS[items[name].metadata["check"]](
                member, f"{where}.{name}", items[name].metadata["allowed"] or known
            )
            for name, member in members.items()
        }
    )


def _members(value: Any, where: str, allowed: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FaultsError(f"{where} must be a JSON object.")
    for name in value:
        if name not in allowed:
            raise FaultsError(f"{where} has no member '{name}'{_meant(name, allowed)}.")
    return value


def _meant(name: str, allowed: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(allowed), n=1)
    return f", only {', '.join(allowed)}" if not near else f"; perhaps '{near[0]}' is meant"


def _number(value: Any, where: str, bounds: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FaultsError(f"{where} must be a number, {_between(bounds)}.")
    return float(_within(value, where, bounds))


def _integer(value: Any, where: str, bounds: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MAX_WHOLE:
        raise FaultsError(f"{where} must be a whole number, {_between(bounds)}.")
    return int(_within(value, where, bounds))


def _within(value: float, where: str, bounds: Any) -> float:
    low, high = bounds
    if (low is not None and value < low) or (high is not None and value > high):
        raise FaultsError(f"{where} must be {_between(bounds)}, not {value}.")
    return value


def _between(bounds: Any) -> str:
    low, high = bounds
    if low is None:
        return "positive or negative"
    return f"{low} or more" if high is None else f"from {low} to {high}"


def _choice(value: Any, where: str, allowed: Any) -> Any:
    # A boolean equals a number in Python, and is none.
    if isinstance(value, bool) or not isinstance(value, int | str) or value not in allowed:
        raise FaultsError(f"{where} must be one of {', '.join(map(str, allowed))}.")
    return value


def _text(value: Any, where: str, _allowed: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 1 <= len(value) <= 256:
        raise FaultsError(f"{where} must be a text of 1 to 256 printable characters.")
    return value


def _names(value: Any, where: str, _allowed: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or len(value) > _MAX_RULES:
        raise FaultsError(f"{where} must be a list of at least one name.")
    return tuple(_text(item, f"{where}[{place}]", ()) for place, item in enumerate(value))


def _operations(value: Any, where: str, known: Any) -> tuple[str, ...]:
    names = _names(value, where, ())
    for place, name in enumerate(names):
        if not any(fnmatchcase(operation, name) for operation in known):
            raise FaultsError(
                f"{where}[{place}]: no operation is called '{name}'. They have the names of the official "
                "client's methods, such as create_task."
            )
    return names


def _optional(check: Callable[[Any, str, Any], T]) -> Callable[[Any, str, Any], T | None]:
    return lambda value, where, allowed: None if value is None else check(value, where, allowed)


_CHECKS: Mapping[str, Callable[[Any, str, Any], Any]] = {
    "number": _number,
    "integer": _integer,
    "optional number": _optional(_number),
    "optional integer": _optional(_integer),
    "choice": _choice,
    "text": _text,
    "names": _names,
    "operations": _operations,
}
