"""Lines of a task's output, read for their level. Pure."""

from __future__ import annotations

import json
from typing import Any

from airflow_batch_provider.client.requests.steps import Level

_LEVEL_KEYS = ("level", "levelname", "severity")
_MESSAGE_KEYS = ("message", "msg", "event")
# What loggers of several languages call their levels.
_LEVELS: dict[str, Level] = {
    "trace": "debug",
    "debug": "debug",
    "info": "info",
    "information": "info",
    "notice": "info",
    "warn": "warning",
    "warning": "warning",
    "err": "error",
    "error": "error",
    "severe": "error",
    "critical": "critical",
    "fatal": "critical",
}
# The Airflow log has its own time; a logger's name says nothing beside the task's id.
_LEFT_OUT = frozenset({"timestamp", "time", "ts", "asctime", "@timestamp", "logger", "name"})


def read_line(line: str) -> tuple[Level, str]:
    """The level of a line and what to show of it.

    A line that is a JSON object with a level and a message, as structured loggers write them, is shown as its
    message, with its further fields behind. Any other line is shown as it is, as information: what a program
    writes to stderr is not for that an error.
    """
    fields = _object(line)
    level_key = next((key for key in _LEVEL_KEYS if str(fields.get(key, "")).lower() in _LEVELS), None)
    message_key = next((key for key in _MESSAGE_KEYS if isinstance(fields.get(key), str)), None)
    if level_key is None or message_key is None:
        return "info", line
    known = {level_key, message_key}
    more = [
        f"{key}={value}" for key, value in fields.items() if key not in known and key.lower() not in _LEFT_OUT
    ]
    return _LEVELS[str(fields[level_key]).lower()], " ".join([fields[message_key], *more])


def _object(line: str) -> dict[str, Any]:
    if not line.startswith("{"):
        return {}
    try:
        read = json.loads(line)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
