"""From method and raw path to an operation and its path parameters.

Paths are matched as they are on the wire, so that ``%2F`` in a file path stays part of it; the file path may
also span literal slashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from batch_emulator.rest.errors import refusal
from batch_emulator.rest.operations import OPERATIONS, Operation

REST_OF_PATH = "{filePath}"


@dataclass(frozen=True)
class Match:
    """What a request asks for."""

    operation: Operation
    parameters: dict[str, str]


class Router:
    """Finds operations by method and path.

    :param operations: the table.
    """

    def __init__(self, operations: Iterable[Operation] = OPERATIONS) -> None:
        self._by_start: dict[str, list[tuple[list[str], Operation]]] = {}
        for item in operations:
            template = item.path.strip("/").split("/")
            self._by_start.setdefault(_start(template[0]), []).append((template, item))

    def match(self, method: str, raw_path: str) -> Match:
        """The operation of a request.

        :param raw_path: percent-encoded, without query.
        :raises BatchError: ``InvalidUri``, ``UnsupportedHttpVerb`` when the path takes other methods only.
        """
        segments = raw_path.strip("/").split("/")
        verbs: list[str] = []
        for template, operation in self._by_start.get(_start(segments[0]), ()):
            parameters = _match(template, segments)
            if parameters is None:
                continue
            if operation.method == method:
                return Match(operation, parameters)
            verbs.append(operation.method)
        if verbs:
            raise refusal("UnsupportedHttpVerb", AllowedVerbs=", ".join(dict.fromkeys(verbs)))
        raise refusal("InvalidUri")


def _start(segment: str) -> str:
    return segment.lower().partition("(")[0]


def _match(template: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    if template[-1] == REST_OF_PATH and len(segments) > len(template):
        segments = [*segments[: len(template) - 1], "/".join(segments[len(template) - 1 :])]
    if len(template) != len(segments):
        return None
    parameters: dict[str, str] = {}
    for expected, given in zip(template, segments, strict=True):
        if "(" in expected:
            keys = _match_keys(expected, unquote(given))
            if keys is None:
                return None
            parameters |= keys
        elif expected[0] == "{":
            if not given:
                return None
            parameters[expected[1:-1]] = unquote(given)
        elif expected != given.lower():
            return None
    return parameters


def _match_keys(expected: str, given: str) -> dict[str, str] | None:
    """A segment that names a resource by several keys: ``things(first={first},second={second})``."""
    found = re.fullmatch(_keys_pattern(expected), given, re.IGNORECASE)
    return found.groupdict() if found else None


@lru_cache
def _keys_pattern(expected: str) -> str:
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^,()]+)", re.escape(expected))
