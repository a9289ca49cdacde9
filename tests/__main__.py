"""All tests: those of a whole Airflow, which wait much, beside all others.

``python -m tests [options of pytest]`` ends with status 0 when both halves do; an option such as ``-k`` or
``-x`` is for each of them. For single files there is pytest itself.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from threading import Thread
from typing import IO

import pytest

WHOLE = "tests/e2e"
# Each waits about as long as it works. In the order of the files: the dear ones have few tests.
_BESIDE_EACH_OTHER = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")


def main(options: list[str]) -> int:
    """Run both halves.

    Of the tests of a whole Airflow a line is shown when a file has ended, and all else in the end. They, and
    the others, are interrupted when this process is, once, so that they can end what they have started.

    Parameters:
        options: for pytest.

    Returns:
        The status of the half that failed; that nothing was selected is no failure of a half.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    told: list[str] = []
    whole = _start(WHOLE, "-o", "cache_dir=.pytest_cache/e2e", *options, output=subprocess.PIPE)
    others = _start("--ignore", WHOLE, *_BESIDE_EACH_OTHER, *options)
    reader = Thread(target=_follow, args=(whole.stdout, told))
    reader.start()
    halves = (others, whole)
    try:
        statuses = {half.wait() for half in halves}
    except KeyboardInterrupt:
        for half in halves:
            half.send_signal(signal.SIGINT)
        statuses = {half.wait() for half in halves}
    reader.join()
    sys.stdout.write("".join(told))
    return max(statuses - {pytest.ExitCode.NO_TESTS_COLLECTED} or statuses, key=abs)


def _start(*arguments: str, output: int | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "pytest", *arguments],
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        text=True,
        start_new_session=True,  # a Ctrl-C in the terminal is ours to pass on
    )


def _follow(lines: IO[str] | None, told: list[str]) -> None:
    """Keep what a half tells; show at once what became of a file."""
    for line in lines or ():
        told.append(line)
        if line.startswith(f"{WHOLE}/") and ".py " in line:
            sys.stdout.write(f"\n{line}")
            sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
