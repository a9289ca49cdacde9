"""Conditions that say a component is ready. Each can be asked at any time and never raises."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

__all__ = ["http_answers", "line_in", "port_open"]

_CONNECT_SECONDS = 0.5
_ANSWER_SECONDS = 5.0
# A proxy of the environment must not be asked for this machine's own ports.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def port_open(port: int, host: str = "127.0.0.1") -> Callable[[], bool]:
    """Something accepts connections."""

    def check() -> bool:
        try:
            with socket.create_connection((host, port), _CONNECT_SECONDS):
                return True
        except OSError:
            return False

    return check


def http_answers(url: str, accept: Callable[[bytes], bool] = lambda _: True) -> Callable[[], bool]:
    """A GET is answered with 200 and a body that is accepted."""

    def check() -> bool:
        try:
            with _direct.open(url, timeout=_ANSWER_SECONDS) as answer:
                return bool(answer.status == 200) and accept(answer.read())
        except (OSError, ValueError, urllib.error.URLError):
            return False

    return check


def line_in(log: Path, beginning: str) -> Callable[[], bool]:
    """The log has a line that begins so, and did not when this was called (a restart appends to the log)."""
    offset = log.stat().st_size if log.exists() else 0

    def check() -> bool:
        try:
            with log.open("rb") as file:
                file.seek(offset)
                return any(line.startswith(beginning.encode()) for line in file)
        except OSError:
            return False

    return check
