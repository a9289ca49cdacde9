"""Starts, asks, resets and stops an emulator that runs by itself."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from batch_emulator.daemon import record
from batch_emulator.daemon.record import LOG_NAME, RunRecord
from batch_emulator.journal.lock import using

__all__ = ["DaemonError", "ask", "lines_before", "start", "stop"]

_START_SECONDS = 60.0
_ANSWER_SECONDS = 60.0
_POLL_SECONDS = 0.02
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what was listened on, not to be listened on

# They outlive this process; an object that is forgotten before its process ends would be complained of.
_started: list[subprocess.Popen[bytes]] = []


class DaemonError(RuntimeError):
    """What was asked for did not work; the text says why and what to do."""


def start(data_dir: Path, options: Sequence[str], ready_line: str) -> list[str]:
    """Start an emulator that outlives this process, and wait until it is ready.

    :param options: of `batch-emulator serve`.
    :param ready_line: what it prints last.
    :returns: the lines that it printed before.
    :raises DaemonError: it ended, or did not become ready.
    :raises DataDirError: the folder cannot be made or written.
    """
    log = data_dir / LOG_NAME
    with using(data_dir):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = log.open("ab")
    with opened as errors:
        begin = errors.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "batch_emulator", "serve", *options],
            stdin=subprocess.DEVNULL,
            # Not into the log: among what is announced is the account's key.
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    _started.append(process)
    assert process.stdout is not None
    with process.stdout as output:
        lines = lines_before(output.fileno(), ready_line)
    if lines is not None:
        return lines
    if process.poll() is None:
        process.terminate()
    status = process.wait(_START_SECONDS)
    with log.open("rb") as errors:
        errors.seek(begin)
        said = errors.read().decode("utf-8", "replace").strip()
    raise DaemonError(f"The emulator did not start (status {status}).\n{said}".strip())


def lines_before(descriptor: int, ready_line: str) -> list[str] | None:
    """What is read before a line, once that line is whole; ``None`` when it does not come."""
    deadline = time.monotonic() + _START_SECONDS
    received = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            return None
        chunk = os.read(descriptor, 65536)
        received += chunk
        # Up to the last line's end: who closes the pipe before would break it for a writer not quite done.
        lines = received.decode("utf-8", "replace").split("\n")[:-1]
        if ready_line in lines:
            return lines[: lines.index(ready_line)]
        if not chunk:
            return None
    return None


def stop(data_dir: Path, wait_seconds: float) -> tuple[RunRecord, float] | None:
    """End the emulator of a folder and wait until it has ended.

    :returns: which one, and how long it took in seconds; ``None`` when there was none.
    :raises DaemonError: it did not end, or may not be ended by this user.
    """
    running = record.find(data_dir)
    if running is None:
        return None
    began = time.monotonic()
    try:
        os.kill(running.process_id, signal.SIGTERM)
    except ProcessLookupError:
        return running, 0.0
    except PermissionError:
        raise DaemonError(
            f"Process {running.process_id} belongs to another user, who has to stop it."
        ) from None
    while time.monotonic() - began < wait_seconds:
        now = record.find(data_dir)
        if now is None or now.process_id != running.process_id:
            return running, time.monotonic() - began
        time.sleep(_POLL_SECONDS)
    raise DaemonError(
        f"Process {running.process_id} has not ended within {wait_seconds:g} seconds. It may still be ending "
        "the processes of its nodes: wait and look with `status`, or end it with "
        f"`kill -9 {running.process_id}`; what it acknowledged is in the data folder."
    )


def ask(running: RunRecord, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """Send a request of the emulator's own.

    :param path: under ``/emulator/``.
    :raises DaemonError: it does not answer, or refuses.
    """
    if not running.endpoint:
        raise DaemonError(f"The emulator (process {running.process_id}) is starting or ending; try again.")
    request = urllib.request.Request(  # noqa: S310 - the address is the emulator's own
        f"{_reachable(running.endpoint)}/emulator/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={} if body is None else {"Content-Type": "application/json"},
    )
    # A proxy that the environment names is not for this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_ANSWER_SECONDS) as answer:
            parsed: dict[str, Any] = json.load(answer)
            return parsed
    except urllib.error.HTTPError as error:
        if error.code == 401:
            raise DaemonError(
                f"The emulator listens on {running.endpoint} only, which is no address of this machine "
                "alone, and takes signed requests there. Serve it on 127.0.0.1 or 0.0.0.0 for this command."
            ) from None
        raise DaemonError(f"The emulator refused: {error.read().decode('utf-8', 'replace')}") from None
    except (OSError, ValueError) as error:
        raise DaemonError(
            f"The emulator (process {running.process_id}) does not answer at {running.endpoint}: {error}."
        ) from None


def _reachable(endpoint: str) -> str:
    """An address that is listened on everywhere, as this machine reaches it."""
    parts = urlsplit(endpoint)
    host = _EVERYWHERE.get(parts.hostname or "")
    if host is None:
        return endpoint
    shown = f"[{host}]" if ":" in host else host
    return urlunsplit(parts._replace(netloc=f"{shown}:{parts.port}"))
