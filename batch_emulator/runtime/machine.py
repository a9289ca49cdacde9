"""This machine: the nodes on it and the storage account beside it carry out what the service asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from batch_emulator.identity.node_secret import issue_secret
from batch_emulator.nodes.containers.containers import Containers
from batch_emulator.nodes.environment import AccountFacts
from batch_emulator.nodes.files import NodeFiles
from batch_emulator.nodes.host import Host
from batch_emulator.nodes.launcher import Launcher
from batch_emulator.nodes.log_upload import read_logs, upload_logs
from batch_emulator.nodes.logs import NodeLogs
from batch_emulator.nodes.mounts.mounts import Mounts
from batch_emulator.nodes.output_files import OutputFiles
from batch_emulator.nodes.packages import Packages
from batch_emulator.nodes.resource_files import ResourceFiles
from batch_emulator.nodes.runs import NodeServices
from batch_emulator.nodes.storage import load_azure
from batch_emulator.nodes.transfer import Fetcher
from batch_emulator.nodes.under_way import UnderWay
from batch_emulator.rest.tokens import issue_task_token
from batch_emulator.runtime.settings import Settings
from batch_emulator.service.effects import DeletePackageBlob, Effect, WakeAt
from batch_emulator.service.events import Event
from batch_emulator.service.nodes.node_logs import LogRequest

__all__ = ["Machine"]

_log = logging.getLogger(__name__)
_CONTAINER_MARKER = "containers-were-made"


class Machine:
    """Nodes, processes and storage of one emulator.

    :param post: takes the events of nodes and runs.
    :param on_fatal: called when no process can be started any more.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime],
        post: Callable[[Event], None],
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        self._settings = settings
        self._nodes_dir = nodes_dir = settings.data_dir / "nodes"
        self._fetcher = Fetcher()
        self._packages = Packages(settings.data_dir / "packages", self._fetcher, settings.storage)
        self._containers = Containers(settings.containers, nodes_dir, settings.data_dir / _CONTAINER_MARKER)
        self.launcher = Launcher(nodes_dir, on_fatal)
        services = NodeServices(
            account=AccountFacts(
                settings.account_name,
                settings.account_url,
                lambda pool_id: issue_secret(pool_id, settings.node_key),
                lambda job_id: issue_task_token(settings.node_key, job_id, clock()),
            ),
            launcher=self.launcher,
            packages=self._packages,
            resource_files=ResourceFiles(self._fetcher, settings.storage),
            output_files=OutputFiles(settings.storage),
            containers=self._containers,
            mounts=Mounts(settings.storage),
            now=clock,
        )
        self._logs = NodeLogs(settings.data_dir / "node-logs", clock)
        self.host = Host(nodes_dir, services, self._noting(post), settings.boot_delay)
        self._errands: set[asyncio.Task[object]] = set()

    @property
    def agent_pid(self) -> int | None:
        """Process id of the node agent."""
        return self.launcher.agent_pid

    @property
    def under_way(self) -> UnderWay:
        """What nodes do in real time."""
        return self.host.under_way

    def files(self, pool_id: str, node_id: str) -> NodeFiles:
        """The disk of a node, which may not exist."""
        return self.host.files(pool_id, node_id)

    async def start(self) -> None:
        """Make ready to carry out effects."""
        await self.launcher.start()
        await self._containers.remove_leftovers()
        await asyncio.to_thread(self._packages.remove_leftovers, self._nodes_dir)
        if self._settings.storage is not None:
            # The first transfer should not have to wait for the import.
            self._do(load_azure())

    def carry_out(self, effect: Effect) -> None:
        """Begin to carry out an effect."""
        if isinstance(effect, DeletePackageBlob):
            self._do(self._packages.delete(effect.blob_name))
        elif not isinstance(effect, WakeAt):
            self._logs.asked(effect)
            self.host.carry_out(effect)

    async def upload_logs(self, request: LogRequest) -> int:
        """Begin to upload log files of a node.

        :returns: how many.
        """
        self._logs.write()
        files = await asyncio.to_thread(read_logs, self._logs, request)
        self._do(upload_logs(self._settings.storage, request, files))
        return len(files)

    async def stop(self) -> None:
        """Kill all processes and drop what is under way."""
        await self.host.stop()
        for errand in self._errands:
            errand.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)
        self._logs.write()
        await self._fetcher.close()

    def remove_folders_except(self, nodes: set[tuple[str, str]], task_roots: set[str]) -> None:
        """Remove the folders of nodes and tasks that are no more, as a kill before their removal leaves them.

        :param nodes: pool and node ids, lower case.
        :param task_roots: directories of tasks, relative to a node's root.
        """
        for pool_id, node_id in self.host.folders():
            if (pool_id.lower(), node_id.lower()) not in nodes:
                self.host.remove_folder(pool_id, node_id)
        self.host.remove_task_folders_except(task_roots)
        self._logs.remove_except(nodes)

    def _noting(self, post: Callable[[Event], None]) -> Callable[[Event], None]:
        def note_and_post(event: Event) -> None:
            self._logs.happened(event)
            post(event)

        return note_and_post

    def _do(self, work: Coroutine[Any, Any, object]) -> None:
        errand = asyncio.ensure_future(work)
        self._errands.add(errand)
        errand.add_done_callback(self._done)

    def _done(self, errand: asyncio.Task[object]) -> None:
        self._errands.discard(errand)
        if not errand.cancelled() and errand.exception() is not None:
            _log.error("storage: %s", type(errand.exception()).__name__)
