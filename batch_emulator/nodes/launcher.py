"""The emulator's end of the agent: start processes, learn of their end, kill them."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson

from batch_emulator.nodes.agent.process_tree import kill_all
from batch_emulator.nodes.assumptions import SIGNAL_BASE
from batch_emulator.nodes.command_line import Command
from batch_emulator.nodes.directories import TaskLayout
from batch_emulator.service.resource_use import ResourceUse

__all__ = ["NODE_MARK", "TASK_MARK", "AgentLostError", "Launched", "Launcher", "Listener", "NotStartedError"]

_log = logging.getLogger(__name__)
NODE_MARK = "AZ_BATCH_NODE_ROOT_DIR"
TASK_MARK = "AZ_BATCH_TASK_DIR"
_SOURCE_ROOT = Path(__file__).resolve().parents[2]
_ANSWER_SECONDS = 60.0
_STOP_SECONDS = 5.0
_LINE_LIMIT = 1 << 24
_EARLY_SECONDS = 2.0
_MAX_EARLY_ENDS = 5
_LOST = "The node agent ended unexpectedly."


class AgentLostError(RuntimeError):
    """The agent ended, and with it every process it had started."""


class NotStartedError(OSError):
    """The operating system refused to start the program.

    :ivar disk: whether it was the task's directory that could not be made.
    """

    disk = False


class Listener(Protocol):
    """Who waits for a run: it hears ``started``, then ``ended``; or ``refused``; or ``lost``, at any time."""

    def started(self, pid: int) -> None:
        """The process runs."""
        ...

    def refused(self, error: NotStartedError) -> None:
        """It could not be started."""
        ...

    def ended(self, code: int, use: ResourceUse) -> None:
        """The process is gone. ``code``: its exit code, 128+n when signal n ended it."""
        ...

    def lost(self) -> None:
        """The agent is gone, and with it the process, if there was one."""
        ...


@dataclass(frozen=True)
class Launched:
    """A running process.

    :param ended: its exit code, 128+n when signal n ended it; or :class:`AgentLostError`.
    """

    pid: int
    ended: asyncio.Future[int]


class _Awaited:
    """A listener for who would rather await."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.pid: asyncio.Future[int] = loop.create_future()
        self.code: asyncio.Future[int] = loop.create_future()

    def started(self, pid: int) -> None:
        _resolve(self.pid, pid)

    def refused(self, error: NotStartedError) -> None:
        _fail(self.pid, error)

    def ended(self, code: int, use: ResourceUse) -> None:
        _resolve(self.code, code)

    def lost(self) -> None:
        for future in (self.pid, self.code):
            _fail(future, AgentLostError(_LOST))


class _Connection:
    """One agent process and what it still owes an answer to."""

    def __init__(self, process: subprocess.Popen[bytes], writer: asyncio.StreamWriter) -> None:
        self.process = process
        self.writer = writer
        self.runs: dict[str, Listener] = {}
        self.starting: dict[str, None] = {}
        self.sweeping: dict[str, asyncio.Future[None]] = {}
        self._orders: list[dict[str, Any]] = []

    def send(self, **order: Any) -> None:
        """Orders of one turn of the loop go together: each message wakes the agent."""
        if not self._orders:
            asyncio.get_running_loop().call_soon(self._flush)
        self._orders.append(order)

    def _flush(self) -> None:
        if not self.writer.is_closing():
            self.writer.write(orjson.dumps(self._orders, option=orjson.OPT_APPEND_NEWLINE))
        self._orders.clear()

    def hear(self, news: dict[str, Any]) -> None:
        if "run" in news:
            self.starting.pop(news["run"], None)
        if "swept" in news:
            _resolve(self.sweeping.pop(news["swept"], None), None)
        elif "pid" in news:
            if (listener := self.runs.get(news["run"])) is not None:
                listener.started(news["pid"])
        elif (listener := self.runs.pop(news["run"], None)) is None:
            return
        elif "errno" in news:
            error = NotStartedError(news["errno"], news["reason"])
            error.disk = news["disk"]
            listener.refused(error)
        else:
            code = news["code"] if "code" in news else SIGNAL_BASE + news["signal"]
            listener.ended(code, ResourceUse(*news["use"]))

    def lose_all(self) -> None:
        runs, self.runs = self.runs, {}
        for listener in runs.values():
            listener.lost()
        for future in self.sweeping.values():
            _fail(future, AgentLostError(_LOST))


def _resolve(future: asyncio.Future[Any] | None, result: Any) -> None:
    if future is not None and not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # who waits for it raises it; nobody may be waiting


class Launcher:
    """Starts task processes through an agent, which it replaces when it dies.

    :param nodes_dir: above all nodes' roots; processes of tasks are recognised by it.
    :param on_fatal: called when no agent can be started any more.
    """

    def __init__(self, nodes_dir: Path, on_fatal: Callable[[BaseException], None]) -> None:
        self._nodes_dir = nodes_dir
        self._on_fatal = on_fatal
        self._connection: _Connection | None = None
        self._connected = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def agent_pid(self) -> int | None:
        """Process id of the present agent."""
        return self._connection.process.pid if self._connection else None

    async def start(self) -> None:
        """Kill what an earlier emulator on the same folder may have left, then start the agent."""
        self._keeper = asyncio.create_task(self._keep(), name="node-agent")
        await asyncio.wait_for(self._connected.wait(), _ANSWER_SECONDS)

    def begin(
        self,
        run_id: str,
        command: Command,
        environment: Mapping[str, str],
        task: TaskLayout,
        listener: Listener,
        *,
        linger: bool,
        append: bool = False,
    ) -> None:
        """Start a process in the task's working directory; its directories are made if they are not there.

        Without an agent, the run is lost at once: the agent is being replaced.

        :param listener: gets the news, never before this returns.
        :param linger: let its background processes live on after it, until they are swept.
        :param append: let its output follow what is in the streams' files.
        """
        connection = self._connection
        if connection is None:
            asyncio.get_running_loop().call_soon(listener.lost)
            return
        connection.runs[run_id] = listener
        connection.starting[run_id] = None
        connection.send(
            op="start",
            run=run_id,
            argv=command.arguments,
            program=command.program,
            env=environment,
            directory=task.path,
            linger=linger,
            append=append,
        )

    async def launch(
        self, run_id: str, command: Command, environment: Mapping[str, str], task: TaskLayout, *, linger: bool
    ) -> Launched:
        """Start a process as :meth:`begin` does, and wait until it runs.

        :raises NotStartedError: the operating system refused.
        :raises AgentLostError: the agent died.
        """
        await self.connected()
        awaited = _Awaited()
        self.begin(run_id, command, environment, task, awaited, linger=linger)
        return Launched(await awaited.pid, awaited.code)

    async def connected(self) -> None:
        """Wait until there is an agent. :raises AgentLostError: there will be none."""
        try:
            await asyncio.wait_for(self._connected.wait(), _ANSWER_SECONDS)
        except asyncio.TimeoutError:
            raise AgentLostError("The node agent does not start.") from None

    @property
    def is_connected(self) -> bool:
        """Whether there is an agent to start processes with."""
        return self._connection is not None

    def kill(self, run_id: str) -> None:
        """End the whole process tree of a run; does nothing when it has ended."""
        connection = self._connection
        if connection is not None and run_id in connection.runs:
            connection.send(op="kill", run=run_id)

    async def sweep(self, folder: Path, mark: str = NODE_MARK) -> None:
        """End every process of a node, also those that outlived their task.

        :param folder: root of the node.
        :param mark: variable that leads to the folder; with :data:`TASK_MARK` it is that of a task.
        """
        connection = self._connection
        if connection is None:
            return  # the agent is being replaced, which ends all processes
        root = str(folder)
        swept = connection.sweeping.setdefault(root, asyncio.get_running_loop().create_future())
        connection.send(op="sweep", root=root, mark=mark)
        try:
            await asyncio.wait_for(asyncio.shield(swept), _ANSWER_SECONDS)
        except AgentLostError:
            return

    async def stop(self) -> None:
        """End the agent and, with it, every process."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        early_ends = 0
        try:
            while early_ends < _MAX_EARLY_ENDS:
                await asyncio.to_thread(kill_all, NODE_MARK, str(self._nodes_dir))
                start = loop.time()
                await self._serve_one_agent()
                early_ends = early_ends + 1 if loop.time() - start < _EARLY_SECONDS else 0
                _log.error("the node agent ended unexpectedly; its runs are lost, another one is started")
            raise AgentLostError(
                f"The node agent ended {early_ends} times right after its start, so no task can be run. "
                "Likely cause: its Python cannot start, or something kills it; see the lines above. "
                f"Run `{sys.executable} -m batch_emulator.nodes.agent < /dev/null` to see what it says."
            )
        except Exception as error:
            self._on_fatal(error)

    async def _serve_one_agent(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            process = _start_agent(theirs)
        reader, writer = await asyncio.open_connection(sock=ours, limit=_LINE_LIMIT)
        connection = _Connection(process, writer)
        self._connection = connection
        self._connected.set()
        watch = asyncio.create_task(_watch(connection))
        try:
            while line := await reader.readline():
                for news in orjson.loads(line):
                    connection.hear(news)
        except ConnectionError:
            pass  # the agent died with our orders unread
        finally:
            watch.cancel()
            self._connected.clear()
            self._connection = None
            writer.close()  # the agent's sign to kill everything and end
            await asyncio.shield(asyncio.to_thread(_await_end, process))
            connection.lose_all()


async def _watch(connection: _Connection) -> None:
    """End an agent that does not begin what it was asked for, so that another one takes its place."""
    oldest = None
    while oldest is None or oldest not in connection.starting:
        oldest = next(iter(connection.starting), None)
        await asyncio.sleep(_ANSWER_SECONDS)
    _log.error("the node agent does not answer")
    connection.process.kill()


def _start_agent(channel: socket.socket) -> subprocess.Popen[bytes]:
    environment = {"PYTHONPATH": str(_SOURCE_ROOT), "PATH": os.environ.get("PATH", os.defpath)}
    return subprocess.Popen(
        [sys.executable, "-m", "batch_emulator.nodes.agent"],
        stdin=channel.fileno(),
        env=environment,
        cwd="/",
        start_new_session=True,  # a terminal's Ctrl-C is not for the agent
    )


def _await_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait(_STOP_SECONDS)
