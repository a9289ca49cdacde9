"""Which files an output file pattern names, and what their blobs are called.

Source: Azure Batch REST reference, *OutputFile*: ``filePattern`` and ``destination.container.path``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["OutputMatch", "expand_variables", "find_outputs"]

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)|%(\w+)%", re.ASCII)
_WILDCARD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class OutputMatch:
    """A file to upload and the name of its blob."""

    file: Path
    blob_name: str


def expand_variables(pattern: str, environment: Mapping[str, str]) -> str:
    """Replace ``$var``, ``${var}`` and ``%var%``; an unknown variable stays as it is written."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        return environment.get(name, match[0])

    return _VARIABLE.sub(value, pattern)


def find_outputs(
    pattern: str, working_directory: Path, environment: Mapping[str, str], path: str | None
) -> list[OutputMatch]:
    """The files that a pattern matches, in order of their blobs' names.

    :param pattern: relative to the working directory or absolute.
    :param path: of the destination. Without a wildcard in the pattern it is the blob's name (absent: the
        file's name); with one it is a virtual directory, below which a blob keeps the file's path relative
        to the pattern's fixed directory.
    """
    # normpath, not resolve: '..' has to mean what it means in the text of the pattern.
    full = os.path.normpath(working_directory / expand_variables(pattern, environment))
    prefix = (path or "").strip("/")
    if not _WILDCARD.search(full):
        return [OutputMatch(Path(full), prefix or os.path.basename(full))] if os.path.isfile(full) else []
    parts = full.split("/")
    fixed = next(index for index, part in enumerate(parts) if _WILDCARD.search(part))
    base = Path("/".join(parts[:fixed]) or "/")
    below = re.compile("".join(_expressions(parts[fixed:])))
    found = [
        OutputMatch(base / relative, f"{prefix}/{relative}" if prefix else relative)
        for relative in _files_below(base, recursive=len(parts) - fixed > 1 or "**" in parts[fixed:])
        if below.fullmatch(relative)
    ]
    return sorted(found, key=lambda match: match.blob_name)


def _files_below(base: Path, *, recursive: bool) -> Iterator[str]:
    for folder, folders, files in os.walk(base):
        if not recursive:
            folders.clear()
        start = os.path.relpath(folder, base)
        for name in files:
            if os.path.isfile(os.path.join(folder, name)):
                yield name if start == "." else f"{start}/{name}"


def _expressions(parts: list[str]) -> Iterator[str]:
    last = len(parts) - 1
    for index, part in enumerate(parts):
        if part == "**":
            # Directories whose names start with a dot have to be named, as files have.
            yield r"(?:[^/.][^/]*/)*" if index < last else r"(?:[^/.][^/]*/)*[^/.][^/]*"
        else:
            yield _expression(part) + ("/" if index < last else "")


def _expression(part: str) -> str:
    expression = "" if part.startswith(".") else r"(?!\.)"
    position = 0
    while position < len(part):
        character = part[position]
        position += 1
        if character == "*":
            expression += "[^/]*"
        elif character == "?":
            expression += "[^/]"
        elif character == "[":
            # A bracket right after the opening one is a member; one that is never closed is itself.
            start = position + (part[position : position + 1] == "!")
            end = part.find("]", start + 1)
            if end < 0:
                expression += r"\["
            else:
                expression += _character_class(part[position:end])
                position = end + 1
        else:
            expression += re.escape(character)
    return expression


def _character_class(members: str) -> str:
    negated = members.startswith("!")
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", members[1:] if negated else members)
    return f"[^/{escaped}]" if negated else f"[{escaped}]"
