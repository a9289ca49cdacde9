"""The command `python -m demo` with real processes: nothing is left behind, whenever and however it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from demo.__main__ import main
from demo.processes.readiness import port_open
from demo.processes.supervisor import PROJECT_DIR

DAGS = Path(__file__).parent / "dags"


def test_a_folder_with_other_things_is_refused_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").touch()
    old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        assert main(["--exit", "--data-dir", str(tmp_path)]) == 1
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
    assert "left alone" in capsys.readouterr().out


@contextlib.contextmanager
def demo(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "demo", "--exit", "--data-dir", str(data_dir), "--dags-folder", str(DAGS)],
        cwd=PROJECT_DIR,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if text in line:
            return read
    pytest.fail(f"{text!r} was never printed:\n{read}")


def family(process: subprocess.Popen[str]) -> tuple[list[psutil.Process], list[int]]:
    """All processes below the demo, and the ports they listen on."""
    members = psutil.Process(process.pid).children(recursive=True)
    ports = []
    for member in members:
        with contextlib.suppress(psutil.Error):
            ports += [c.laddr.port for c in member.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    return members, ports


def gone(members: list[psutil.Process]) -> bool:
    return not [m for m in members if m.is_running() and m.status() != psutil.STATUS_ZOMBIE]


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("line", "number"),
    [("Starting", signal.SIGINT), ("azurite is ready", signal.SIGINT), ("azurite is ready", signal.SIGTERM)],
)
def test_ctrl_c_at_any_moment_leaves_nothing(tmp_path: Path, line: str, number: signal.Signals) -> None:
    with demo(tmp_path / "data") as process:
        read_until(process, line)
        members, ports = family(process)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
        # A shell shows 130 for both: Python ends itself by SIGINT, whatever its status, if the signal
        # came while an import was executing text, as dataclasses do.
        assert process.returncode in (130, -signal.SIGINT), output
        assert "no process and no port is left" in output
        assert "Traceback" not in output
        assert gone(members)
        assert not any(port_open(port)() for port in ports)


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_after_kill_9_nothing_survives_for_long_and_the_next_start_works_at_once(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with demo(data_dir) as process:
        read_until(process, "triggerer is ready")
        members, ports = family(process)
        assert (
            len(members) > 8
        )  # four components of Airflow with workers, Azurite, emulator, events, guardian
        assert len(ports) >= 6
        process.kill()
        with demo(data_dir) as second:
            text = read_until(second, "azurite is ready")
            assert gone(members)
            assert "in use" not in text or not any(f"Port {port} " in text for port in ports)
            second.send_signal(signal.SIGINT)
            output, _ = second.communicate(timeout=60)
            assert second.returncode == 130, output
    assert wait_until(lambda: gone(members), 1)
