"""`python -m batch_emulator.nodes.agent`: serve the emulator over the socket on standard input.

Both sides write lines, each a JSON list of messages. The emulator asks:

- ``{"op": "start", "run", "argv", "program", "env", "directory", "linger", "append"}``: make the task's
  directory and run a program there; with ``append``, its output follows what is in the streams' files,
- ``{"op": "kill", "run"}``: end the run's whole process tree,
- ``{"op": "sweep", "root", "mark"}``: end every process with that directory in a variable of its
  environment: those of a node by its root, or those of a task.

The agent tells: ``{"run", "pid"}`` (started), ``{"run", "errno", "reason", "disk"}`` (could not start; with
``disk``, since the directories could not be made), ``{"run", "code", "use"}`` or ``{"run", "signal", "use"}``
(ended, with what ``ResourceUse`` has, in its order), ``{"swept": root}``.
End of file on the socket means that the emulator is gone: the agent kills everything and ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import selectors
import signal
import socket
import stat
import sys
import time
from contextlib import suppress
from typing import Any

from batch_emulator.nodes.agent.process_tree import (
    children,
    descendants,
    is_alive,
    processes_with_environment,
)
from batch_emulator.nodes.agent.starting import make_directories, open_streams, spawn

_PR_SET_CHILD_SUBREAPER = 36
_TASK_MARK = "AZ_BATCH_TASK_DIR"
_KILL_ROUNDS = 50
_KILL_PAUSE_SECONDS = 0.002
# News is told together, as far as that keeps nobody waiting: the reader's work is by the message.
_NEWS_WITHIN_SECONDS = 0.02


def _use(usage: resource.struct_rusage) -> list[int]:
    # The system counts what went from and to disks in blocks of 512 bytes.
    return [
        int(usage.ru_utime * 1_000_000),
        int(usage.ru_stime * 1_000_000),
        usage.ru_inblock * 512,
        usage.ru_oublock * 512,
    ]


class Agent:
    """Starts processes and keeps an eye on them until they, and all they started, are gone."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._runs: dict[int, tuple[str, str, bool]] = {}
        self._leaders: dict[str, int] = {}
        self._answers: list[dict[str, Any]] = []
        self._told_at = 0.0
        self._unread = b""
        self._devnull = os.open(os.devnull, os.O_RDWR)

    def serve(self) -> None:
        """Work until the emulator closes its end or a SIGTERM comes, then kill everything."""
        wakeup, wake = socket.socketpair()
        for end in (wakeup, wake):
            end.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        stopping: list[int] = []
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
        selector = selectors.DefaultSelector()
        selector.register(self._channel, selectors.EVENT_READ)
        selector.register(wakeup, selectors.EVENT_READ)
        try:
            while not stopping:
                ready = {key.fileobj for key, _ in selector.select()}
                if wakeup in ready:
                    with suppress(BlockingIOError):
                        wakeup.recv(4096)
                self._reap()
                if self._channel in ready and not self._receive():
                    break
                self._flush()
        finally:
            signal.set_wakeup_fd(-1)  # before its socket goes

    def _receive(self) -> bool:
        received = self._channel.recv(1 << 18)
        *lines, self._unread = (self._unread + received).split(b"\n")
        for order in (order for line in lines for order in json.loads(line)):
            self._obey(order)
            if time.monotonic() - self._told_at > _NEWS_WITHIN_SECONDS:
                self._reap()
                self._flush()
        return bool(received)

    def end_everything(self) -> None:
        """Kill all processes below this one and wait for their end."""
        for _ in range(_KILL_ROUNDS * 20):
            self._kill(descendants(os.getpid()))
            try:
                while os.waitpid(-1, os.WNOHANG) != (0, 0):
                    pass
            except ChildProcessError:
                return
            time.sleep(_KILL_PAUSE_SECONDS)

    def _obey(self, order: dict[str, Any]) -> None:
        operation = order["op"]
        if operation == "start":
            self._start(order)
        elif operation == "kill":
            leader = self._leaders.get(order["run"])
            if leader is not None:
                self._end_run(leader)
        elif operation == "sweep":
            self._end_marked(order["mark"], order["root"])
            self._answers.append({"swept": order["root"]})

    def _start(self, order: dict[str, Any]) -> None:
        run, directory = order["run"], order["directory"]
        try:
            make_directories(directory)
            streams = open_streams(directory, append=order["append"])
        except (OSError, ValueError) as error:
            self._refuse(run, error, disk=True)
            return
        try:
            pid = spawn(order, streams, self._devnull)
        except (OSError, ValueError) as error:
            self._refuse(run, error, disk=False)
            return
        finally:
            for descriptor in streams:
                os.close(descriptor)
        self._runs[pid] = (run, order["env"].get(_TASK_MARK, ""), bool(order["linger"]))
        self._leaders[run] = pid
        self._answers.append({"run": run, "pid": pid})

    def _refuse(self, run: str, error: Exception, *, disk: bool) -> None:
        number = error.errno if isinstance(error, OSError) else None
        self._answers.append({"run": run, "errno": number or 0, "reason": str(error), "disk": disk})

    def _reap(self) -> None:
        ended: list[tuple[int, int, list[int]]] = []
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                break
            if found is None:
                break
            pid = found.si_pid
            run = self._runs.get(pid)
            # Until it is reaped the process keeps its id, so its group cannot be mistaken for another.
            if run is not None and not run[2]:
                self._kill_group(pid)
            _, status, usage = os.wait4(pid, 0)
            if run is not None:
                ended.append((pid, os.waitstatus_to_exitcode(status), _use(usage)))
        if ended:
            self._report_ends(ended)

    def _report_ends(self, ended: list[tuple[int, int, list[int]]]) -> None:
        over = [(*self._runs.pop(pid), code, use) for pid, code, use in ended]
        self._end_leftovers([mark for _, mark, linger, _, _ in over if mark and not linger])
        for run, _, _, code, use in over:
            del self._leaders[run]
            how = {"signal": -code} if code < 0 else {"code": code}
            self._answers.append({"run": run, "use": use, **how})

    def _end_run(self, leader: int) -> None:
        mark = self._runs[leader][1]
        for _ in range(_KILL_ROUNDS):
            victims = descendants(leader) | {leader}
            if mark:
                victims |= processes_with_environment(_TASK_MARK, mark, descendants(os.getpid()))
            self._kill_group(leader)
            if not self._kill(victims):
                return
            time.sleep(_KILL_PAUSE_SECONDS)

    def _end_leftovers(self, marks: list[str]) -> None:
        # What left the session of a task and outlived its parent has become a child of this process.
        for _ in range(_KILL_ROUNDS if marks else 0):
            adopted = children(os.getpid()) - self._runs.keys()
            if not adopted:
                return
            left = [processes_with_environment(_TASK_MARK, mark, adopted) for mark in marks]
            if not self._kill(set().union(*left)):
                return
            time.sleep(_KILL_PAUSE_SECONDS)

    def _end_marked(self, mark: str, root: str) -> None:
        for _ in range(_KILL_ROUNDS):
            if not self._kill(processes_with_environment(mark, root, descendants(os.getpid()))):
                return
            time.sleep(_KILL_PAUSE_SECONDS)

    def _kill_group(self, leader: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)

    def _kill(self, pids: set[int]) -> int:
        alive = 0
        for pid in pids:
            if is_alive(pid):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
                    alive += 1
        return alive

    def _flush(self) -> None:
        self._told_at = time.monotonic()
        if self._answers:
            self._channel.sendall(json.dumps(self._answers).encode() + b"\n")
            self._answers.clear()


def main() -> int:
    """Serve the socket that is standard input. Returns the exit status."""
    if not stat.S_ISSOCK(os.fstat(0).st_mode):
        sys.stderr.write("The node agent is started by the emulator, with a socket as standard input.\n")
        return 2
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the emulator's business
    # What a task leaves behind becomes this process's child instead of init's, and can be found.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    channel = socket.socket(fileno=os.dup(0))
    agent = Agent(channel)
    try:
        with suppress(BrokenPipeError, ConnectionResetError):
            agent.serve()
    finally:
        agent.end_everything()
    return 0


if __name__ == "__main__":
    sys.exit(main())
