"""What supervisor and guardian say to each other: one JSON object a line. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Command", "Exited", "Failed", "Finish", "Message", "SendSignal", "Started", "decode", "encode"]


@dataclass(frozen=True)
class Command:
    """To the guardian: start a component in its own session.

    Parameters:
        name: what the component is called; one process a name at a time.
        argv: program and arguments.
        env: its whole environment.
        cwd: working directory.
        log: file to which stdout and stderr are appended.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    log: str


@dataclass(frozen=True)
class SendSignal:
    """To the guardian: send a signal to a component, to its process only or to its whole group."""

    name: str
    number: int
    group: bool


@dataclass(frozen=True)
class Finish:
    """To the guardian: end everything, then yourself."""


@dataclass(frozen=True)
class Started:
    """From the guardian: the component runs."""

    name: str
    pid: int


@dataclass(frozen=True)
class Failed:
    """From the guardian: the component could not be started."""

    name: str
    reason: str


@dataclass(frozen=True)
class Exited:
    """From the guardian: the component ended; a negative status is the signal that ended it."""

    name: str
    pid: int
    status: int


Message = Command | SendSignal | Finish | Started | Failed | Exited
_KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (Command, SendSignal, Finish, Started, Failed, Exited)
}


def encode(message: Message) -> bytes:
    """A message as a line."""
    return json.dumps({"kind": type(message).__name__, **vars(message)}).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message of a line.

    Raises:
        ValueError: the line is none.
    """
    values = json.loads(line)
    kind = _KINDS.get(values.pop("kind", ""))
    if kind is None:
        raise ValueError(f"Not a message: {line!r}")
    if "argv" in values:
        values["argv"] = tuple(values["argv"])
    message: Message = kind(**values)
    return message
