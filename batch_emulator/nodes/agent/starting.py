"""Starting one task process: its directories, its streams, its program.

This process has one thread, so it may stand in the task's directory for the moment of a start: that lets
``posix_spawn`` do the rest, which is several times cheaper than ``subprocess``.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

__all__ = [
    "CERTIFICATES",
    "STDERR",
    "STDOUT",
    "UPLOAD_LOGS",
    "WORKING",
    "make_directories",
    "open_streams",
    "spawn",
]

WORKING, CERTIFICATES = "wd", "certs"
STDOUT, STDERR = "stdout.txt", "stderr.txt"
UPLOAD_LOGS = ("fileuploadout.txt", "fileuploaderr.txt")
_NEW_STREAM = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_SHARED_STREAM = os.O_WRONLY | os.O_CREAT | os.O_APPEND
# Python ignores some signals, and this process one more. A program expects to find them as usual.
_USUAL_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT)


def make_directories(directory: str) -> None:
    """Make a task's directory and those in it, and drop the upload logs of an earlier try.

    What an earlier try left in the working directory stays, as a retry on the same node finds it.

    :raises OSError: the disk does not take them.
    """
    try:
        os.mkdir(directory)
    except FileNotFoundError:
        os.makedirs(directory)
    except FileExistsError:
        for name in UPLOAD_LOGS:
            with suppress(FileNotFoundError):
                os.unlink(f"{directory}/{name}")
    for name in (WORKING, CERTIFICATES):
        with suppress(FileExistsError):
            os.mkdir(f"{directory}/{name}")


def open_streams(directory: str, *, append: bool) -> tuple[int, int]:
    """Descriptors of a task's output and error stream.

    :param append: what is in them stays, and all who have them open write at their ends.
    :raises OSError: the disk does not take them.
    """
    flags = _SHARED_STREAM if append else _NEW_STREAM
    out = os.open(f"{directory}/{STDOUT}", flags, 0o644)
    try:
        return out, os.open(f"{directory}/{STDERR}", flags, 0o644)
    except OSError:
        os.close(out)
        raise


def spawn(order: dict[str, Any], streams: tuple[int, int], stdin: int) -> int:
    """Start an order's program in the task's working directory, leader of a session of its own.

    :param stdin: descriptor that becomes its standard input.
    :returns: the process id.
    :raises OSError: the operating system refuses.
    """
    os.chdir(f"{order['directory']}/{WORKING}")
    try:
        return os.posix_spawn(
            order["program"],
            order["argv"],
            order["env"],
            file_actions=[
                (os.POSIX_SPAWN_DUP2, stdin, 0),
                (os.POSIX_SPAWN_DUP2, streams[0], 1),
                (os.POSIX_SPAWN_DUP2, streams[1], 2),
            ],  # every other descriptor of this process closes itself on exec
            setsid=True,
            setsigdef=_USUAL_SIGNALS,
        )
    finally:
        os.chdir("/")
