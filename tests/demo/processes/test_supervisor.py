"""Supervision with real processes: nothing may outlive the one who wanted it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from demo.processes.identity import ProcessIdentity, identity_of
from demo.processes.readiness import line_in, port_open
from demo.processes.runfile import AlreadyRunningError, Run, clean_up, read_run, write_run
from demo.processes.supervisor import PROJECT_DIR, Component, ComponentError, Supervisor
from demo.stack.ports import free_port

pytestmark = pytest.mark.slow

# A component with a child of its own and a grandchild that moved to another session, as nodes' tasks do.
FAMILY = """
import os, socket, subprocess, sys
port = int(sys.argv[1])
listener = socket.create_server(("127.0.0.1", port))
child = subprocess.Popen(["sleep", "300"])
shell = ["sh", "-c", "setsid sleep 300 & echo $!; wait"]
grandchild = subprocess.Popen(shell, stdout=subprocess.PIPE, text=True)
moved = int(grandchild.stdout.readline())
print("pids", os.getpid(), child.pid, grandchild.pid, moved, flush=True)
print("ready", flush=True)
listener.accept()
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(300)
"""


def wait_until(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def python(supervisor: Supervisor, name: str, code: str, *args: str, **settings: float) -> Component:
    return Component(
        name=name,
        argv=(sys.executable, "-c", code, *args),
        env={},
        readiness=lambda: line_in(supervisor.log_of(name), "ready"),
        **settings,
    )


def pids_in(log: Path) -> list[int]:
    line = next(line for line in log.read_text().splitlines() if line.startswith("pids"))
    return [int(word) for word in line.split()[1:]]


def living(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            continue
    return found


def test_an_interruption_while_the_guardian_is_made_leaves_no_guardian(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    popen = subprocess.Popen

    def interrupted_popen(*args: object, **options: object) -> subprocess.Popen[bytes]:
        process = popen(*args, **options)
        made.append(process.pid)
        signal.raise_signal(signal.SIGINT)  # before anybody has the process in hand
        return process

    monkeypatch.setattr("demo.processes.supervisor.subprocess.Popen", interrupted_popen)
    with pytest.raises(KeyboardInterrupt), Supervisor(tmp_path):
        pytest.fail("the interruption was swallowed")
    assert made
    assert living(made) == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_component_runs_until_the_supervisor_leaves_and_takes_its_family_along(tmp_path: Path) -> None:
    port = free_port()
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(python(supervisor, "family", FAMILY, str(port)))
        supervisor.wait_ready("family")
        pids = pids_in(supervisor.log_of("family"))
        assert living(pids) == pids
        assert supervisor.pid_of("family") == pids[0]
        assert len(supervisor.descendants("family")) == 3
    assert living(pids) == []
    assert not port_open(port)()
    assert not (tmp_path / "run.json").exists()


def test_a_component_that_ends_too_early_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(python(supervisor, "broken", "print('no such option'); raise SystemExit(7)"))
        with pytest.raises(
            ComponentError, match=r"(?s)broken ended unexpectedly with status 7.*no such option"
        ):
            supervisor.wait_ready("broken")


def test_a_component_that_never_gets_ready_is_told_after_its_time(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        code = "import time; print('thinking', flush=True); time.sleep(300)"
        supervisor.start(python(supervisor, "slow", code, ready_seconds=1.0))
        with pytest.raises(ComponentError, match=r"(?s)slow was not ready within 1 s.*thinking"):
            supervisor.wait_ready("slow")


def test_a_missing_program_is_an_error_that_names_it(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor, pytest.raises(ComponentError, match="/no/such/program"):
        supervisor.start(Component("none", ("/no/such/program",), {}, lambda: lambda: True))


def test_stop_kills_who_does_not_listen(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(python(supervisor, "stubborn", STUBBORN, stop_seconds=0.3))
        supervisor.wait_ready("stubborn")
        pid = supervisor.pid_of("stubborn")
        supervisor.stop("stubborn")
        assert living([pid]) == []
        supervisor.check()  # a wanted end is no failure


def test_kill_spares_children_and_restart_waits_for_the_new_ready_line(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(python(supervisor, "family", FAMILY, str(free_port())))
        supervisor.wait_ready("family")
        first = pids_in(supervisor.log_of("family"))
        supervisor.kill("family")
        assert living(first) == first[1:]
        supervisor.restart("family")
        assert supervisor.pid_of("family") != first[0]
        assert supervisor.log_of("family").read_text().count("ready") == 2
    assert living(first) == []


OWNER = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(PROJECT_DIR)!r})
from tests.demo.processes.test_supervisor import FAMILY, python
from demo.processes.supervisor import Supervisor
with Supervisor(Path(sys.argv[1])) as supervisor:
    supervisor.start(python(supervisor, "family", FAMILY, sys.argv[2]))
    supervisor.wait_ready("family")
    print("up", flush=True)
    time.sleep(300)
"""


def start_owner(work_dir: Path, port: int) -> subprocess.Popen[str]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(work_dir), str(port)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT_DIR,
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "up\n"
    return owner


def finish(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_child_and_no_port_outlives_an_owner_that_is_killed(
    tmp_path: Path, number: signal.Signals
) -> None:
    port = free_port()
    owner = start_owner(tmp_path, port)
    try:
        pids = pids_in(tmp_path / "logs/family.log")
        assert living(pids) == pids
        owner.send_signal(number)
        assert wait_until(lambda: not living(pids))
        assert wait_until(lambda: not (tmp_path / "run.json").exists())
        assert not port_open(port)()
    finally:
        finish(owner)


def test_the_next_start_cleans_up_when_the_guardian_was_killed_too(tmp_path: Path) -> None:
    port = free_port()
    owner = start_owner(tmp_path, port)
    pids = pids_in(tmp_path / "logs/family.log")
    run = read_run(tmp_path / "run.json")
    assert run is not None
    finish_order = (owner.pid, run.guardian.pid)
    # Stopped, the guardian cannot act on its owner's death before it is killed itself.
    os.kill(run.guardian.pid, signal.SIGSTOP)
    for pid in finish_order:
        os.kill(pid, signal.SIGKILL)
    finish(owner)
    assert wait_until(lambda: not living([run.guardian.pid]))
    assert wait_until(lambda: not living(pids[:1]))  # the death signal reaches the leader
    left = living(pids)
    assert left, "children of a killed component survive; they are what is to be cleaned up"
    try:
        with Supervisor(tmp_path) as supervisor:
            assert set(supervisor.leftovers) & set(left)
            # What moved to a session of its own after all its parents died cannot be told from others' work.
            assert living(pids) in ([], pids[3:])
            supervisor.start(python(supervisor, "family", FAMILY, str(port)))
            supervisor.wait_ready("family")
    finally:
        for pid in living(pids):
            os.kill(pid, signal.SIGKILL)


def test_a_living_stack_is_not_disturbed(tmp_path: Path) -> None:
    owner = start_owner(tmp_path, free_port())
    try:
        pids = pids_in(tmp_path / "logs/family.log")
        with pytest.raises(AlreadyRunningError, match="--data-dir"), Supervisor(tmp_path):
            pass
        assert living(pids) == pids
    finally:
        finish(owner)


def test_one_process_cannot_use_a_folder_twice_at_once(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(python(supervisor, "family", FAMILY, str(free_port())))
        supervisor.wait_ready("family")
        with pytest.raises(AlreadyRunningError), Supervisor(tmp_path):
            pass
        assert supervisor.is_running("family")


def test_a_killed_guardian_is_noticed_and_cleaned_up_after(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(python(supervisor, "family", FAMILY, str(free_port())))
        supervisor.wait_ready("family")
        pids = pids_in(supervisor.log_of("family"))
        run = read_run(tmp_path / "run.json")
        assert run is not None
        os.kill(run.guardian.pid, signal.SIGKILL)
        assert wait_until(lambda: not supervisor.is_running("family"))
        with pytest.raises(ComponentError, match="family ended unexpectedly with signal SIGKILL"):
            supervisor.check()
    try:
        assert living(pids[:3]) == []
        assert not (tmp_path / "run.json").exists()
    finally:
        for pid in living(pids):
            os.kill(pid, signal.SIGKILL)


def test_a_recycled_process_number_is_never_killed(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "300"], start_new_session=True)
    try:
        dead = ProcessIdentity(stranger.pid, "long ago")
        run_file = tmp_path / "run.json"
        write_run(run_file, Run(owner=dead, guardian=dead, components=(dead,)))
        assert clean_up(run_file) == []
        assert living([stranger.pid]) == [stranger.pid]
        assert not run_file.exists()
    finally:
        stranger.kill()
        stranger.wait()


def test_identity_changes_with_the_process() -> None:
    me = identity_of(os.getpid())
    assert me is not None
    assert me.is_alive
    assert not ProcessIdentity(me.pid, "another").is_alive
    assert identity_of(2**22 + 1) is None


def test_a_damaged_run_file_is_as_none(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"owner": ')
    assert clean_up(tmp_path / "run.json") == []


def test_a_wish_to_end_is_noticed_at_the_next_check(tmp_path: Path) -> None:
    """An exception that a signal raises in a destructor is dropped by Python: the wish must outlive it."""
    with Supervisor(tmp_path, interrupted=lambda: True) as supervisor, pytest.raises(KeyboardInterrupt):
        supervisor.check()
