"""Start components, notice when they end, stop them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType

import psutil

from demo.processes.component import Component, ComponentError
from demo.processes.held import signals_held
from demo.processes.identity import identity_of
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
from demo.processes.runfile import clean_up
from demo.processes.tails import tail

__all__ = ["PROJECT_DIR", "Component", "ComponentError", "Supervisor"]

PROJECT_DIR = Path(__file__).resolve().parents[2]
_START_SECONDS = 10.0
_POLL_SECONDS = (0.05, 0.25)  # at first, later: a check costs what the component needs to start
_END_SECONDS = 15.0


class Supervisor:
    """Runs components below a guardian process; a context manager.

    Parameters:
        work_dir: holds the run file and the folder `logs`.
        clear_env: names of variables which components must not inherit.
        interrupted: whether the user wants an end; asked at every check.
    """

    def __init__(
        self,
        work_dir: Path,
        clear_env: Callable[[str], bool] = lambda _: False,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._work_dir = work_dir
        self._interrupted = interrupted
        self._env = {key: value for key, value in os.environ.items() if not clear_env(key)}
        self._changed = threading.Condition()
        self._running: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._failed: dict[str, str] = {}
        self._components: dict[str, Component] = {}
        self._is_ready: dict[str, Callable[[], bool]] = {}
        self._guardian: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        self.leftovers: list[int] = []

    def __enter__(self) -> Supervisor:
        (self._work_dir / "logs").mkdir(parents=True, exist_ok=True)
        run_file = self._work_dir / "run.json"
        self.leftovers = clean_up(run_file)
        me = identity_of(os.getpid())
        if me is None:
            raise RuntimeError("The process table cannot be read. Mount /proc, then start again.")
        try:
            with signals_held():
                self._guardian = subprocess.Popen(
                    [sys.executable, "-m", "demo.processes.guardian", str(run_file), str(me.pid), me.started],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    cwd=PROJECT_DIR,
                    start_new_session=True,  # a Ctrl-C in the terminal is ours to handle, not its
                )
                self._listener = threading.Thread(target=self._listen, args=(self._guardian,), daemon=True)
                self._listener.start()
        except BaseException:  # whoever is interrupted while entering is never asked to exit
            self._end_guardian()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_guardian()

    def _end_guardian(self) -> None:
        """End the guardian, and with it all components."""
        guardian = self._guardian
        if guardian is None:
            return
        with contextlib.suppress(OSError):
            self._tell(Finish())
        if guardian.stdin is not None:
            with contextlib.suppress(OSError):
                guardian.stdin.close()
        try:
            guardian.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            guardian.kill()
            guardian.wait()
        clean_up(self._work_dir / "run.json", own_run=True)  # only if the guardian did not get to it
        if self._listener is not None:
            self._listener.join()

    def log_of(self, name: str) -> Path:
        """The file with what a component printed."""
        return self._work_dir / "logs" / f"{name}.log"

    def pid_of(self, name: str) -> int:
        """Process id of a running component.

        Raises:
            ComponentError: it is not running.
        """
        with self._changed:
            if name not in self._running:
                raise ComponentError(f"{name} is not running.")
            return self._running[name]

    def is_running(self, name: str) -> bool:
        """Whether the component's process lives."""
        with self._changed:
            return name in self._running

    def descendants(self, name: str) -> list[psutil.Process]:
        """Processes below a component's own, e.g. the workers of Airflow's scheduler."""
        try:
            return list(psutil.Process(self.pid_of(name)).children(recursive=True))
        except psutil.NoSuchProcess:
            return []

    def start(self, component: Component) -> None:
        """Start a component; does not wait until it is ready.

        Raises:
            ComponentError: the program could not be started.
        """
        name = component.name
        with self._changed:
            self._components[name] = component
            self._ended.pop(name, None)
            self._failed.pop(name, None)
        # Made before the start: a log or a job list must not be read from before this life of the component.
        self._is_ready[name] = component.readiness()
        env = {**self._env, **component.env}
        self._tell(Command(name, component.argv, env, str(self._work_dir), str(self.log_of(name))))
        with self._changed:
            self._changed.wait_for(
                lambda: name in self._running or name in self._failed or name in self._ended, _START_SECONDS
            )
            if name in self._failed:
                raise ComponentError(f"{name} could not be started: {self._failed[name]}. Run `make setup`.")

    def wait_ready(self, *names: str) -> None:
        """Wait until components are ready, all at the same time.

        Raises:
            ComponentError: one ended, or did not get ready in its time.
        """
        for _ in self.wait_each(*names):
            pass

    def wait_each(self, *names: str) -> Iterator[str]:
        """As `wait_ready`; yields each name when that component is ready."""
        begun = time.monotonic()
        waiting, pause = list(names), _POLL_SECONDS[0]
        while waiting:
            for name in list(waiting):
                self.check()
                if self._is_ready[name]():
                    waiting.remove(name)
                    yield name
                elif time.monotonic() - begun > self._components[name].ready_seconds:
                    raise ComponentError(
                        f"{name} was not ready within {self._components[name].ready_seconds:g} s. "
                        f"The machine may be too busy, or its settings wrong. See its log, "
                        f"{self.log_of(name)}, which ends:\n{tail(self.log_of(name))}"
                    )
            if waiting:
                with self._changed:
                    self._changed.wait(pause)
                pause = min(pause * 1.2, _POLL_SECONDS[1])

    def check(self, names: Iterable[str] | None = None) -> None:
        """Notice a component that ended by itself, or the user's wish to end.

        Raises:
            ComponentError: one of `names` (all, unless given) ended.
            KeyboardInterrupt: the user wants an end.
        """
        if self._interrupted():
            raise KeyboardInterrupt
        with self._changed:
            wanted = self._components if names is None else names
            gone = [(name, self._ended[name]) for name in wanted if name in self._ended]
        for name, status in gone:
            if status == 0 and self._components[name].ends:
                continue
            log = self.log_of(name)
            raise ComponentError(
                f"{name} ended unexpectedly with {_describe(status)}. "
                f"The reason should be in its log, {log}, which ends:\n{tail(log)}"
            )

    def wait_ended(self, name: str) -> None:
        """Wait until a component that ends by itself has ended well, within its `ready_seconds`.

        Raises:
            ComponentError: it failed or took too long.
        """
        seconds = self._components[name].ready_seconds
        if not self._await_end(name, seconds):
            raise ComponentError(
                f"{name} has not ended within {seconds:g} s. The machine may be too busy. "
                f"See its log, {self.log_of(name)}, which ends:\n{tail(self.log_of(name))}"
            )
        self.check([name])

    def kill(self, name: str) -> None:
        """`kill -9` of the component's own process, as a crash would; its children are left alone."""
        self.pid_of(name)
        self._tell(SendSignal(name, signal.SIGKILL, False))
        self._await_end(name, _START_SECONDS)
        with self._changed:
            self._ended.pop(name, None)  # wanted: nothing to report

    def stop(self, *names: str) -> None:
        """End components: SIGTERM to their groups, SIGKILL when their time is up. Silent if not running."""
        for number, slack in ((signal.SIGTERM, None), (signal.SIGKILL, _START_SECONDS)):
            running = [name for name in names if self.is_running(name)]
            for name in running:
                self._tell(SendSignal(name, number, True))
            begun = time.monotonic()
            for name in running:
                seconds = slack if slack is not None else self._components[name].stop_seconds
                self._await_end(name, max(0.0, seconds - (time.monotonic() - begun)))
        with self._changed:
            for name in names:
                self._ended.pop(name, None)  # wanted: nothing to report

    def restart(self, *names: str) -> None:
        """Start components again as before; stops those that run first; waits until all are ready."""
        self.stop(*names)
        for name in names:
            self.start(self._components[name])
        self.wait_ready(*names)

    def _await_end(self, name: str, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: name not in self._running, seconds)

    def _tell(self, message: Message) -> None:
        if self._guardian is None or self._guardian.stdin is None:
            raise RuntimeError("The supervisor is not running; enter it first.")
        self._guardian.stdin.write(encode(message))
        self._guardian.stdin.flush()

    def _listen(self, guardian: subprocess.Popen[bytes]) -> None:
        if guardian.stdout is None:
            return
        with guardian.stdout as lines:
            for line in lines:
                self._take(decode(line))
        with self._changed:  # the guardian is gone, and with it all components
            self._ended |= dict.fromkeys(self._running, -signal.SIGKILL)
            self._running.clear()
            self._changed.notify_all()

    def _take(self, message: Message) -> None:
        with self._changed:
            if isinstance(message, Started):
                self._running[message.name] = message.pid
            elif isinstance(message, Failed):
                self._failed[message.name] = message.reason
            elif isinstance(message, Exited) and self._running.get(message.name) == message.pid:
                del self._running[message.name]
                self._ended[message.name] = message.status
            self._changed.notify_all()


def _describe(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"
