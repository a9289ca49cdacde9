"""All tests: those of a whole Airflow, which wait much, beside all others.

``python -m tests`` ends with status 0 when both halves do.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile

WHOLE = "tests/e2e"
_PYTEST = (sys.executable, "-m", "pytest")


def main() -> int:
    """Run both halves; what the one has told is shown when the other has ended."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        beside = subprocess.Popen(
            [*_PYTEST, WHOLE, "-o", "cache_dir=.pytest_cache/e2e"], stdout=told, stderr=subprocess.STDOUT
        )
        try:
            status = subprocess.run([*_PYTEST, "--ignore", WHOLE], check=False).returncode
        finally:
            status_beside = beside.wait()
            told.seek(0)
            shutil.copyfileobj(told, sys.stdout)
    return status or status_beside


if __name__ == "__main__":
    sys.exit(main())
