"""`python -m batch_emulator.nodes.agent`: serve the emulator over the socket on standard input.

Both sides write JSON lines. The emulator asks:

- ``{"op": "start", "run", "argv", "program", "env", "cwd", "stdout", "stderr", "linger"}``,
- ``{"op": "kill", "run"}``: end the run's whole process tree,
- ``{"op": "sweep", "root"}``: end every process of a node, by its root directory.

The agent tells: ``{"run", "pid"}`` (started), ``{"run", "errno", "reason"}`` (could not start),
``{"run", "code"}`` or ``{"run", "signal"}`` (ended), ``{"swept": root}``.
End of file on the socket means that the emulator is gone: the agent kills everything and ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import signal
import socket
import stat
import subprocess
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

_PR_SET_CHILD_SUBREAPER = 36
_TASK_MARK = "AZ_BATCH_TASK_DIR"
_NODE_MARK = "AZ_BATCH_NODE_ROOT_DIR"
_KILL_ROUNDS = 50
_KILL_PAUSE_SECONDS = 0.002


class Agent:
    """Starts processes and keeps an eye on them until they, and all they started, are gone."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._runs: dict[int, tuple[str, str, bool]] = {}
        self._leaders: dict[str, subprocess.Popen[bytes]] = {}
        self._answers: list[bytes] = []
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
        for line in lines:
            self._obey(json.loads(line))
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
                self._end_run(leader.pid)
        elif operation == "sweep":
            self._end_node(order["root"])
            self._answer(swept=order["root"])

    def _start(self, order: dict[str, Any]) -> None:
        run = order["run"]
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        opened: list[int] = []
        try:
            opened.append(os.open(order["stdout"], flags, 0o644))
            opened.append(os.open(order["stderr"], flags, 0o644))
            # No preexec_fn and nothing else that needs a real fork: subprocess takes the vfork way.
            process = subprocess.Popen(
                order["argv"],
                executable=order["program"],
                env=order["env"],
                cwd=order["cwd"],
                stdin=self._devnull,
                stdout=opened[0],
                stderr=opened[1],
                start_new_session=True,
                close_fds=False,  # every descriptor of this process closes itself on exec
            )
        except (OSError, ValueError) as error:
            number = error.errno if isinstance(error, OSError) else None
            self._answer(run=run, errno=number or 0, reason=str(error))
            return
        finally:
            for descriptor in opened:
                os.close(descriptor)
        self._runs[process.pid] = (run, order["env"].get(_TASK_MARK, ""), bool(order["linger"]))
        self._leaders[run] = process
        self._answer(run=run, pid=process.pid)

    def _reap(self) -> None:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            pid = ended.si_pid
            # Until it is reaped the process keeps its id, so its group cannot be mistaken for another.
            if pid in self._runs and not self._runs[pid][2]:
                self._kill_group(pid)
            _, status = os.waitpid(pid, 0)
            if pid in self._runs:
                self._report_end(pid, os.waitstatus_to_exitcode(status))

    def _report_end(self, pid: int, code: int) -> None:
        run, mark, linger = self._runs.pop(pid)
        self._leaders.pop(run).returncode = code  # or Popen would look for the process itself
        if not linger and mark:
            self._end_leftovers(mark)
        if code < 0:
            self._answer(run=run, signal=-code)
        else:
            self._answer(run=run, code=code)

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

    def _end_leftovers(self, mark: str) -> None:
        # What left the session of a task and outlived its parent has become a child of this process.
        for _ in range(_KILL_ROUNDS):
            adopted = children(os.getpid()) - self._runs.keys()
            if not adopted or not self._kill(processes_with_environment(_TASK_MARK, mark, adopted)):
                return
            time.sleep(_KILL_PAUSE_SECONDS)

    def _end_node(self, root: str) -> None:
        for _ in range(_KILL_ROUNDS):
            if not self._kill(processes_with_environment(_NODE_MARK, root, descendants(os.getpid()))):
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

    def _answer(self, **news: Any) -> None:
        self._answers.append(json.dumps(news).encode() + b"\n")

    def _flush(self) -> None:
        if self._answers:
            self._channel.sendall(b"".join(self._answers))
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
