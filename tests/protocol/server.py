"""A real `batch-emulator serve` process, started and stopped by the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ACCOUNT = "protocolaccount"
KEY = "cHJvdG9jb2wtdGVzdHMtcHJpbWFyeS1rZXktcHJvdG9jb2wtdGVzdHMtcHJpbWFyeS1rZXktYWI="
STOP_SECONDS = 15


@dataclass(frozen=True)
class Server:
    """A running emulator."""

    endpoint: str
    resource_id: str
    account: str = ACCOUNT
    key: str = field(default=KEY, repr=False)


@contextmanager
def running_server(folder: Path, storage: str, *options: str) -> Iterator[Server]:
    """Serve an account until the block ends.

    :param storage: connection string of the linked storage account.
    :param options: further arguments of `batch-emulator serve`.
    """
    errors = (folder / "stderr.txt").open("w+")
    environment = {**os.environ, "TEST_STORAGE": storage, "TEST_KEY": KEY}
    command = [sys.executable, "-m", "batch_emulator", "serve", "--port", "0"]
    command += ["--data-dir", str(folder / "data"), "--account", ACCOUNT, "--key-env", "TEST_KEY"]
    command += ["--storage-connection-string-env", "TEST_STORAGE", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
    try:
        facts = _facts(process)
        if "ready" not in facts:
            errors.seek(0)
            raise AssertionError(f"the emulator did not start:\n{errors.read()}")
        yield Server(facts["endpoint"], facts["resource-id"])
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()
        errors.close()


def _facts(process: subprocess.Popen[str]) -> dict[str, str]:
    facts: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        name, _, value = line.strip().partition(": ")
        facts[name] = value
        if name == "ready":
            break
    return facts
