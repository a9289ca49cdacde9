"""The end of a log file."""

from __future__ import annotations

from pathlib import Path

__all__ = ["tail"]

_BYTES = 16384


def tail(path: Path, lines: int = 25) -> str:
    """The last lines of a file, indented; reads its last 16 KiB only.

    Parameters:
        path: the file; it may be missing.
        lines: how many lines at most.
    """
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return "    (no log)"
    kept = text.rstrip().splitlines()[-lines:]
    return "\n".join(f"    {line}" for line in kept) if kept else "    (nothing was printed)"
