"""The life of one run: one try of a task, start task, preparation or release task on a node."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from batch_emulator.nodes.command_line import CommandError, launch_failed, parse_command
from batch_emulator.nodes.containers.containers import Containers
from batch_emulator.nodes.directories import NodeLayout, OutsideError
from batch_emulator.nodes.environment import AccountFacts, all_packages, task_environment
from batch_emulator.nodes.launcher import AgentLostError, Launcher, NotStartedError
from batch_emulator.nodes.mounts.mounts import Mounts
from batch_emulator.nodes.multi_instance import place_shell
from batch_emulator.nodes.output_files import OutputFiles
from batch_emulator.nodes.packages import Packages, package_directory
from batch_emulator.nodes.resource_files import ResourceFiles
from batch_emulator.nodes.transfer import TransferError
from batch_emulator.service.effects import PackageInstall, StartRun
from batch_emulator.service.entities import Json
from batch_emulator.service.errors import Failure
from batch_emulator.service.events import Event, RunEnded, RunLost, RunStarted
from batch_emulator.service.resource_use import NOTHING, ResourceUse
from batch_emulator.service.tasks.fitness import unfit

__all__ = ["NodeServices", "Run"]

_log = logging.getLogger(__name__)
# What these start is meant to serve the tasks that follow, and may outlive the command.
_LINGERING_KINDS = ("start", "preparation", "coordination")


@dataclass(frozen=True)
class NodeServices:
    """What runs need of the machine and of the network."""

    account: AccountFacts
    launcher: Launcher
    packages: Packages
    resource_files: ResourceFiles
    output_files: OutputFiles
    containers: Containers
    mounts: Mounts
    now: Callable[[], datetime]


class Run:
    """Carries out one :class:`StartRun` and reports on it.

    It goes through three phases: ``preprocessing`` (files and packages are fetched), ``process`` (the agent
    has it) and ``upload``. Only those that move data have a coroutine: most tasks have nothing to fetch and
    nothing to upload, and cost an order to the agent and its answer.

    :param post: takes the events. There is exactly one RunEnded or RunLost, after at most one RunStarted.
    """

    def __init__(
        self, effect: StartRun, layout: NodeLayout, services: NodeServices, post: Callable[[Event], None]
    ) -> None:
        self.effect = effect
        self._layout = layout
        self._task = layout.task(effect.task_root)
        self._services = services
        self._post = post
        self._phase = "preprocessing"
        self._exit_code: int | None = None
        self._use = NOTHING
        self._container_info: Json | None = None
        self._environment: dict[str, str] = {}
        self._killed = False
        self._silent = False
        self._transfer: asyncio.Task[None] | None = None
        self._on_over: list[Callable[[], None]] = []
        self._over = False

    @property
    def transfer(self) -> asyncio.Task[None] | None:
        """What fetches or uploads its files at present."""
        return self._transfer

    def when_over(self, callback: Callable[[], None]) -> None:
        """Call back once it is over and was reported; now, if it is."""
        if self._over:
            callback()
        else:
            self._on_over.append(callback)

    def over(self) -> asyncio.Future[None]:
        """Done once it is over and was reported."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.when_over(lambda: None if over.done() else over.set_result(None))
        return over

    def start(self) -> None:
        """Begin."""
        if self._killed:
            self._end(None)
        elif (failure := unfit(self.effect)) is not None:
            self._end(failure)
        elif self._must_wait() or not self._services.launcher.is_connected:
            self._do(self._fetch())
        else:
            self._guarded(self._launch)

    def kill(self) -> None:
        """End it, whatever it is doing, or keep it from beginning. It reports RunEnded as killed."""
        self._killed = True
        if self._transfer is not None:
            self._transfer.cancel()
        else:
            self._services.launcher.kill(self.effect.run_id)

    def drop(self) -> None:
        """Report nothing any more. Transfers end; a process is left to whoever ends them all at once."""
        self._silent = self._killed = True
        if self._transfer is not None:
            self._transfer.cancel()

    # ------------------------------------------------------------------ what the agent tells

    def started(self, pid: int) -> None:
        """The process runs."""
        self._phase = "process"
        self._report(RunStarted(self.effect.run_id, self._services.now()))

    def refused(self, error: NotStartedError) -> None:
        """The process could not be started."""
        if error.disk:
            self._end(_disk_failure(error))
        else:
            self._end(launch_failed(str(error), self.effect.spec.get("commandLine") or "").failure)

    def ended(self, code: int, use: ResourceUse) -> None:
        """The process is gone. A task may run for as long as it likes: the service bounds it by a KillRun."""
        self._exit_code, self._use = code, use
        if self._has_uploads():
            self._do(self._upload_all())
        else:
            self._end(None)

    def lost(self) -> None:
        """The agent is gone."""
        self._finish(RunLost(self.effect.run_id))

    # ------------------------------------------------------------------ phases

    def _must_wait(self) -> bool:
        """Whether there is something to do before the process that takes time."""
        return self._must_fetch() or bool(self.effect.mounts)

    def _must_fetch(self) -> bool:
        if self.effect.instance is None:
            return bool(self.effect.spec.get("resourceFiles") or self.effect.packages)
        # All is made ready for the coordination command; the task's own command follows it.
        return self.effect.kind == "coordination"

    def _common_files(self) -> list[Json]:
        if self.effect.instance is None:
            return []
        return self.effect.spec["multiInstanceSettings"].get("commonResourceFiles") or []

    async def _fetch(self) -> None:
        if self._must_fetch():
            self._task.make()
            if self.effect.instance is not None:
                place_shell(self._layout)
            await self._bring()
        await self._prepare()
        await self._services.launcher.connected()
        self._transfer = None
        if self._killed:  # before Python 3.12, wait_for drops a cancellation that comes with the result
            self._end(None)
        else:
            self._launch()

    async def _bring(self) -> None:
        """Get what the command needs before it starts."""
        run = self.effect
        if resource_files := run.spec.get("resourceFiles"):
            await self._services.resource_files.place(resource_files, self._task.working, run.pool_identities)
        if common_files := self._common_files():
            await self._services.resource_files.place(common_files, self._task.directory, run.pool_identities)
        if run.packages:
            await self._services.packages.install(run.packages, self._layout)

    async def _prepare(self) -> None:
        """Do what else there is to be done before the process."""
        if self.effect.mounts:
            self._make_directories()
            await self._services.mounts.refresh(self.effect.mounts, self._layout, self.effect.pool_identities)

    def _make_directories(self) -> None:
        # The second command of a multi-instance task finds what the first has left.
        if self.effect.instance is None and not self._must_fetch():
            self._task.make()

    def _make_environment(self) -> dict[str, str]:
        return task_environment(
            self._services.account, self._layout, self.effect, self._package_directories()
        )

    def _launch(self) -> None:
        run = self.effect
        try:
            self._environment = self._make_environment()
            command = parse_command(
                run.spec.get("commandLine") or "", self._environment, self._task.working_path
            )
        except CommandError:
            if run.instance is None:
                self._task.make()  # its streams, though empty, may be asked for
            raise
        self._services.launcher.begin(
            run.run_id,
            command,
            self._environment,
            self._task,
            self,
            linger=run.kind in _LINGERING_KINDS,
            append=run.instance is not None,
        )

    def _package_directories(self) -> dict[PackageInstall, Path]:
        try:
            return {
                package: package_directory(self._layout, package) for package in all_packages(self.effect)
            }
        except OutsideError as error:
            raise CommandError(Failure("ApplicationPackageError", str(error))) from None

    def _has_uploads(self) -> bool:
        return bool(self.effect.mounts) or bool(not self._killed and self.effect.spec.get("outputFiles"))

    async def _upload_all(self) -> None:
        self._phase = "upload"
        if self.effect.mounts:
            # Also of a run that was killed: on a real mount, what it wrote would be there.
            await self._services.mounts.save(self.effect.mounts, self._layout, self.effect.pool_identities)
        if not self._killed and self.effect.spec.get("outputFiles"):
            await self._upload()
        self._phase = "process"
        self._end(None)

    async def _upload(self) -> None:
        assert self._exit_code is not None
        await self._services.output_files.upload(
            self.effect.spec["outputFiles"],
            self._exit_code,
            self._task,
            self._environment,
            self.effect.pool_identities,
        )

    # ------------------------------------------------------------------ ends

    def _do(self, phase: Coroutine[Any, Any, None]) -> None:
        self._transfer = asyncio.create_task(phase, name=f"run {self.effect.run_id}")
        self._transfer.add_done_callback(self._transfer_done)

    def _transfer_done(self, transfer: asyncio.Task[None]) -> None:
        self._transfer = None
        if transfer.cancelled():
            self._end(None)
        elif (error := transfer.exception()) is not None:
            self._fail(error)

    def _guarded(self, phase: Callable[[], None]) -> None:
        try:
            phase()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, AgentLostError):
            self.lost()
        elif isinstance(error, TransferError | CommandError):
            self._end(error.failure)
        elif isinstance(error, OSError):
            self._end(_disk_failure(error))
        else:
            _log.error("run %s", self.effect.run_id, exc_info=error)
            self._end(Failure("Unknown", f"The node failed: {type(error).__name__}", "servererror"))

    def _end(self, failure: Failure | None) -> None:
        self._finish(
            RunEnded(
                self.effect.run_id,
                self._services.now(),
                exit_code=self._exit_code,
                failure=None if self._killed else failure,
                phase=self._phase,
                killed=self._killed,
                container=self._container_info,
                use=self._use,
            )
        )

    def _finish(self, event: Event) -> None:
        self._report(event)
        self._over = True
        for callback in self._on_over:
            callback()

    def _report(self, event: Event) -> None:
        if not self._silent:
            self._post(event)


def _disk_failure(error: OSError) -> Failure:
    if error.errno == errno.ENOSPC:
        return Failure(
            "DiskFull", "There is not enough disk space on the compute node to run the task", "servererror"
        )
    return Failure(
        "ResourceDirectoryCreateFailed",
        "Failed to create the directories of the task",
        "servererror",
        (("Message", error.strerror or type(error).__name__),),
    )
