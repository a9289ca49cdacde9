"""Prints what the emulator alone needs, for its image's lock file: the extra `emulator`, without Airflow."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def main() -> int:
    """Write the requirements to standard output. Returns the exit status."""
    text = (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text("utf-8")
    # Python 3.10 has no reader of TOML; the list is plain strings, one a line.
    section = re.search(r"^emulator = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    if section is None:
        sys.stderr.write("pyproject.toml has no extra `emulator`.\n")
        return 1
    sys.stdout.write("".join(f"{name}\n" for name in re.findall(r'"([^"]+)"', section[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
