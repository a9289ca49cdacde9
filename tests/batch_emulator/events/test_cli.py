from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from batch_emulator.events.cli import add_parser, main, run
from demo.stack.accounts import StorageAccount
from demo.stack.ports import free_port

SUBSCRIBE = ("--subscribe", "container=incoming,queue=events")


def nobody() -> str:
    port = free_port()
    return StorageAccount(port, port, port).connection_string


def test_it_mounts_as_a_sub_command() -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(
        ["events", "--storage-connection-string-env", "X", *SUBSCRIBE, "--data-dir", "d"]
    )
    assert args.run is run
    assert args.data_dir == Path("d")


def test_an_unset_variable_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_STRING", raising=False)
    status = main(
        ["--storage-connection-string-env", "NO_SUCH_STRING", *SUBSCRIBE, "--data-dir", str(tmp_path)]
    )
    assert status == 2
    assert "NO_SUCH_STRING is not set" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["container=incoming", "colour=red"])
def test_a_wrong_subscription_is_said(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["--storage-connection-string", nobody(), "--subscribe", text, "--data-dir", str(tmp_path)]
    assert main(args) == 2
    assert text in capsys.readouterr().err


@pytest.mark.slow
def test_storage_that_never_answers_ends_it_with_clear_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    connection_string = nobody()
    args = ["--storage-connection-string", connection_string, *SUBSCRIBE, "--data-dir", str(tmp_path)]
    assert main([*args, "--wait-seconds", "1"]) == 1
    printed = capsys.readouterr()
    assert "Waiting for storage at http://127.0.0.1:" in printed.out
    assert "did not answer within 1 s" in printed.err
    assert "AccountKey" not in printed.err + printed.out
    assert time.monotonic() - begun < 60


@pytest.mark.slow
def test_sigterm_ends_it_while_it_waits(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "batch_emulator.events", "--storage-connection-string-env", "STORAGE"),
            *(*SUBSCRIBE, "--data-dir", str(tmp_path)),
        ],
        env={**os.environ, "STORAGE": nobody()},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process, process.stdout:
        try:
            assert process.stdout.readline().startswith("Waiting for storage")
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
