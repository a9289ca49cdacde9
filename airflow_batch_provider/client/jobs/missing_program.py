"""What a shell, ``env`` or the loader has not found, by what they write to stderr."""

from __future__ import annotations

import re

_NAME = r"[\"'‘`]?([^\s:\"'’`]{1,200})[\"'’`]?"
_NOT_FOUND = re.compile(
    rf"(?m): {_NAME}: (?:command )?not found$"
    rf"|\benv: {_NAME}: No such file or directory$"
    rf"|while loading shared libraries: {_NAME}: "
)


def missing_program(stderr: str | None) -> str | None:
    """The program or library that was missing last, as it was named; None when that is not told.

    Parameters:
        stderr: the last lines; None when they cannot be had.
    """
    named = [name for names in _NOT_FOUND.findall(stderr or "") for name in names if name]
    return named[-1] if named else None
