"""A filter bound to what a list allows: which properties, with which operators, read from which attribute.

Property names are case-sensitive, values are not. An absent property equals nothing and differs from all.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from batch_emulator.rest.errors import refusal
from batch_emulator.rest.odata.lexer import FilterError
from batch_emulator.rest.odata.parser import Comparison, Expression, Literal, parse_filter

T = TypeVar("T")

EQUAL = frozenset({"eq"})
EQUALITY = frozenset({"eq", "ne"})
ORDER = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
PREFIX = frozenset({"startswith"})
PREFIX_AND_ORDER = ORDER | PREFIX

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
    "startswith": str.startswith,
}
_KIND_NAMES = {
    str: "a string in single quotes",
    int: "an integer",
    bool: "true or false",
    datetime: "a DateTime",
}


@dataclass(frozen=True)
class FilterProperty(Generic[T]):
    """A property that a list can be filtered by.

    :param kind: of its values: ``str``, ``int``, ``bool`` or ``datetime``.
    :param read: the property of an entity; ``None`` when it has none.
    """

    kind: type
    operators: frozenset[str]
    read: Callable[[T], Literal | None]


def compile_filter(text: str, properties: Mapping[str, FilterProperty[T]]) -> Callable[[T], bool]:
    """The test that a filter makes of each entity of a list.

    :raises BatchError: ``InvalidQueryParameterValue`` with the reason.
    """
    try:
        return _compile(parse_filter(text), properties)
    except FilterError as error:
        raise refusal(
            "InvalidQueryParameterValue",
            QueryParameterName="$filter",
            QueryParameterValue=text,
            Reason=str(error),
        ) from error


def _compile(tree: Expression, properties: Mapping[str, FilterProperty[T]]) -> Callable[[T], bool]:
    if isinstance(tree, Comparison):
        return _comparison(tree, properties)
    tests = [_compile(part, properties) for part in tree.parts]
    if tree.operator == "and":
        return lambda entity: all(test(entity) for test in tests)
    return lambda entity: any(test(entity) for test in tests)


def _comparison(tree: Comparison, properties: Mapping[str, FilterProperty[T]]) -> Callable[[T], bool]:
    known = properties.get(tree.property)
    if known is None:
        names = ", ".join(properties)
        raise FilterError(f"This list cannot be filtered by '{tree.property}'; it can by: {names}.")
    if tree.operator not in known.operators:
        allowed = ", ".join(sorted(known.operators))
        raise FilterError(f"'{tree.operator}' is not allowed for '{tree.property}'; allowed: {allowed}.")
    if type(tree.value) is not known.kind:
        raise FilterError(f"'{tree.property}' must be compared with {_KIND_NAMES[known.kind]}.")
    wanted = _folded(tree.value)
    compare, read, is_unequal = _COMPARE[tree.operator], known.read, tree.operator == "ne"

    def test(entity: T) -> bool:
        value = read(entity)
        return is_unequal if value is None else compare(_folded(value), wanted)

    return test


def _folded(value: Literal) -> Literal:
    return value.lower() if isinstance(value, str) else value
