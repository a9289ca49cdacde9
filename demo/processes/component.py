"""A program of the stack, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Component", "ComponentError"]


class ComponentError(RuntimeError):
    """A component did not start, ended too early, or did not get ready. The text has the end of its log."""


@dataclass(frozen=True)
class Component:
    """A program of the stack.

    Parameters:
        name: short name; also of its log file.
        argv: program and arguments.
        env: variables on top of the stack's own environment.
        readiness: called at each start; returns what is asked again and again until it is true.
        ready_seconds: how long that may take.
        stop_seconds: time between SIGTERM and SIGKILL.
        ends: it is expected to end by itself, with status 0.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    readiness: Callable[[], Callable[[], bool]]
    ready_seconds: float = 60.0
    stop_seconds: float = 10.0
    ends: bool = False
