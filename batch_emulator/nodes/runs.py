"""The life of one run: one try of a task, start task, preparation or release task on a node."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from batch_emulator.nodes.command_line import CommandError, launch_failed, parse_command
from batch_emulator.nodes.directories import NodeLayout, OutsideError, TaskLayout
from batch_emulator.nodes.environment import AccountFacts, all_packages, task_environment
from batch_emulator.nodes.launcher import AgentLostError, Launcher, NotStartedError
from batch_emulator.nodes.output_files import OutputFiles
from batch_emulator.nodes.packages import Packages, package_directory
from batch_emulator.nodes.resource_files import ResourceFiles
from batch_emulator.nodes.transfer import TransferError
from batch_emulator.service.effects import PackageInstall, StartRun
from batch_emulator.service.errors import Failure
from batch_emulator.service.events import Event, RunEnded, RunLost, RunStarted

__all__ = ["NodeServices", "Run"]

_log = logging.getLogger(__name__)
# What these start is meant to serve the tasks that follow, and may outlive the command.
_LINGERING_KINDS = ("start", "preparation")


@dataclass(frozen=True)
class NodeServices:
    """What runs need of the machine and of the network."""

    account: AccountFacts
    launcher: Launcher
    packages: Packages
    resource_files: ResourceFiles
    output_files: OutputFiles
    now: Callable[[], datetime]


class Run:
    """Carries out one :class:`StartRun` and reports on it.

    :param post: takes the events. There is exactly one RunEnded or RunLost, after at most one RunStarted.
    """

    def __init__(
        self, effect: StartRun, layout: NodeLayout, services: NodeServices, post: Callable[[Event], None]
    ) -> None:
        self.effect = effect
        self._layout = layout
        self._services = services
        self._post = post
        self._phase = "preprocessing"
        self._exit_code: int | None = None
        self._killed = False
        self._silent = False
        # A task that is cancelled before its first step would end without a report.
        self._begun = False
        self._work: asyncio.Task[None] | None = None

    @property
    def work(self) -> asyncio.Task[None] | None:
        """What carries it out; ``None`` before :meth:`start`."""
        return self._work

    def start(self) -> asyncio.Task[None]:
        """Begin; the task ends after the report."""
        self._work = asyncio.create_task(self._live(), name=f"run {self.effect.run_id}")
        return self._work

    def kill(self) -> None:
        """End it, whatever it is doing, or keep it from beginning. It reports RunEnded as killed."""
        self._killed = True
        if self._phase == "process":
            self._services.launcher.kill(self.effect.run_id)
        elif self._work is not None and self._begun:
            self._work.cancel()

    def drop(self) -> None:
        """Report nothing any more. Transfers end; a process is left to whoever ends them all at once."""
        self._silent = self._killed = True
        if self._phase != "process" and self._begun and self._work is not None:
            self._work.cancel()

    async def _live(self) -> None:
        self._begun = True
        failure: Failure | None = None
        try:
            if not self._killed:
                failure = await self._work_through()
        except AgentLostError:
            self._report(RunLost(self.effect.run_id))
            return
        except asyncio.CancelledError:
            # A launch may be under way: what it started has to end as well.
            self._services.launcher.kill(self.effect.run_id)
        except Exception as error:
            _log.exception("run %s", self.effect.run_id)
            failure = Failure("Unknown", f"The node failed: {type(error).__name__}", "servererror")
        self._report(
            RunEnded(
                self.effect.run_id,
                self._services.now(),
                exit_code=self._exit_code,
                failure=None if self._killed else failure,
                phase=self._phase,
                killed=self._killed,
            )
        )

    def _report(self, event: Event) -> None:
        if not self._silent:
            self._post(event)

    async def _work_through(self) -> Failure | None:
        try:
            task = self._layout.task(self.effect.task_root)
            environment = await self._prepare(task)
            if not self._killed:
                await self._run_process(task, environment)
            if not self._killed:
                await self._upload(task, environment)
        except (TransferError, CommandError) as error:
            return error.failure
        except OSError as error:
            return _disk_failure(error)
        return None

    async def _prepare(self, task: TaskLayout) -> dict[str, str]:
        task.make()
        run = self.effect
        if resource_files := run.spec.get("resourceFiles"):
            await self._services.resource_files.place(resource_files, task.working, run.pool_identities)
        if run.packages:
            await self._services.packages.install(run.packages, self._layout)
        return task_environment(self._services.account, self._layout, run, self._package_directories())

    def _package_directories(self) -> dict[PackageInstall, Path]:
        try:
            return {
                package: package_directory(self._layout, package) for package in all_packages(self.effect)
            }
        except OutsideError as error:
            raise CommandError(Failure("ApplicationPackageError", str(error))) from None

    async def _run_process(self, task: TaskLayout, environment: dict[str, str]) -> None:
        run = self.effect
        command_line = run.spec.get("commandLine") or ""
        command = parse_command(command_line, environment, task.working)
        linger = run.kind in _LINGERING_KINDS
        try:
            launched = await self._services.launcher.launch(
                run.run_id, command, environment, task, linger=linger
            )
        except NotStartedError as error:
            raise launch_failed(str(error), command_line) from None
        except asyncio.TimeoutError:
            raise launch_failed("The node agent did not answer.", command_line) from None
        self._phase = "process"
        self._report(RunStarted(run.run_id, self._services.now()))
        if self._killed:
            # Before Python 3.12, wait_for drops a cancellation that comes together with the result.
            self._services.launcher.kill(run.run_id)
        # A task may run for as long as it likes: the service bounds it by a KillRun.
        self._exit_code = await launched.ended

    async def _upload(self, task: TaskLayout, environment: dict[str, str]) -> None:
        outputs = self.effect.spec.get("outputFiles")
        if not outputs or self._exit_code is None:
            return
        self._phase = "upload"
        await self._services.output_files.upload(
            outputs, self._exit_code, task, environment, self.effect.pool_identities
        )
        self._phase = "process"


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
