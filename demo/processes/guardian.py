"""The guardian: parent of all components; ends them when its supervisor is gone.

It has one thread (the death signal of a child is bound to the thread that forked it) and is a subreaper:
whatever a component leaves behind becomes its child, also what moved to another session, and is found.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from demo.processes.ending import end_all
from demo.processes.identity import ProcessIdentity, identity_of, kin_of
from demo.processes.protocol import (
    Command,
    Exited,
    Failed,
    Finish,
    Message,
    SendSignal,
    Started,
    decode,
    encode,
)
from demo.processes.runfile import Run, write_run

__all__ = ["Guardian", "main"]

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_GRACE_SECONDS = 4.0
_CHUNK = 65536


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _die_with_parent() -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Guardian:
    """Executes the supervisor's messages.

    Parameters:
        run_file: kept up to date with what runs.
        owner: the supervisor.
        me: this process.
    """

    def __init__(self, run_file: Path, owner: ProcessIdentity, me: ProcessIdentity) -> None:
        self._run_file = run_file
        self._owner = owner
        self._me = me
        self._children: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}
        # Leaders stay listed after they ended: their groups may have living members.
        self._leaders: list[ProcessIdentity] = []

    def handle(self, message: Message) -> bool:
        """Execute one message. Returns False when all shall end."""
        if isinstance(message, Command):
            self._start(message)
        elif isinstance(message, SendSignal):
            self._signal(message)
        return not isinstance(message, Finish)

    def reap(self) -> None:
        """Collect every child that ended, own or adopted, and tell of the own ones."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            name, process = self._children.pop(pid, (None, None))
            if name is not None and process is not None:
                process.returncode = os.waitstatus_to_exitcode(status)
                _say(Exited(name, pid, process.returncode))

    def end(self) -> None:
        """End all descendants and remove the run file."""

        def living() -> list[psutil.Process]:
            self.reap()
            found = {item.pid: item for item in psutil.Process().children(recursive=True)}
            if sys.platform != "linux":  # no subreaper there
                found |= {item.pid: item for leader in self._leaders for item in kin_of(leader)}
            return list(found.values())

        if not end_all(living, _GRACE_SECONDS):
            self._run_file.unlink(missing_ok=True)

    def write(self) -> None:
        """Write the run file."""
        write_run(self._run_file, Run(self._owner, self._me, tuple(self._leaders)))

    def _start(self, command: Command) -> None:
        try:
            with Path(command.log).open("ab") as log:
                process = subprocess.Popen(
                    command.argv,
                    env=dict(command.env),
                    cwd=command.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_die_with_parent,  # noqa: PLW1509 - this process has one thread
                )
        except OSError as error:
            _say(Failed(command.name, str(error)))
            return
        self._children[process.pid] = (command.name, process)
        identity = identity_of(process.pid)
        if identity is not None:
            self._leaders.append(identity)
            self.write()
        _say(Started(command.name, process.pid))

    def _signal(self, message: SendSignal) -> None:
        for pid, (name, _) in self._children.items():
            if name == message.name:
                with contextlib.suppress(ProcessLookupError):
                    (os.killpg if message.group else os.kill)(pid, message.number)


def _say(message: Message) -> None:
    # The supervisor may be gone already; ending its components matters more than telling it.
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), encode(message))


def _serve(guardian: Guardian, wakeup: int) -> None:
    source, buffered = sys.stdin.fileno(), b""
    while True:
        ready, _, _ = select.select([source, wakeup], [], [])
        if wakeup in ready:
            numbers = os.read(wakeup, _CHUNK)
            guardian.reap()
            if signal.SIGTERM in numbers:
                return
        if source not in ready:
            continue
        data = os.read(source, _CHUNK)
        if not data:
            return
        *lines, buffered = (buffered + data).split(b"\n")
        for line in lines:
            if not guardian.handle(decode(line)):
                return


def main() -> int:
    """`python -m demo.processes.guardian RUN_FILE OWNER_PID OWNER_STARTED`."""
    run_file, owner_pid, owner_started = sys.argv[1:]
    me = identity_of(os.getpid())
    if me is None:
        raise RuntimeError("The guardian cannot read its own start time; the process table is not readable.")
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    guardian = Guardian(Path(run_file), ProcessIdentity(int(owner_pid), owner_started), me)
    guardian.write()
    try:
        _serve(guardian, reading)
    finally:
        guardian.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
