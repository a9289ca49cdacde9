"""All nodes of the account on this machine: carries out what the service asks, tells it what happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from batch_emulator.nodes.addresses import node_address
from batch_emulator.nodes.container_runs import ContainerRun
from batch_emulator.nodes.directories import NodeLayout
from batch_emulator.nodes.files import NodeFiles
from batch_emulator.nodes.launcher import TASK_MARK
from batch_emulator.nodes.runs import NodeServices, Run
from batch_emulator.nodes.transfer import TransferError
from batch_emulator.nodes.under_way import UnderWay
from batch_emulator.service.effects import (
    BootNode,
    EndInstance,
    KillRun,
    ReleaseNode,
    RemoveTaskFiles,
    StartRun,
)
from batch_emulator.service.errors import Failure
from batch_emulator.service.events import Event, NodeBooted, NodeBootFailed, NodeReleased

__all__ = ["Host", "NodeEffect"]

_log = logging.getLogger(__name__)
_END_SECONDS = 30.0
NodeEffect = BootNode | ReleaseNode | StartRun | KillRun | EndInstance | RemoveTaskFiles
_NodeKey = tuple[str, str]


class _Node:
    """A node's folder, its runs, and the order in which things are done to it."""

    def __init__(self, layout: NodeLayout) -> None:
        self.layout = layout
        self.runs: dict[str, Run] = {}
        self.last_job: asyncio.Task[None] | None = None


class Host:
    """Boots and releases nodes and carries out runs on them.

    What concerns a node's disk is done in the order asked; runs go on beside each other.

    :param post: takes the events of nodes and runs.
    :param boot_delay: seconds that a node takes to start, beside the real work.
    """

    def __init__(
        self, nodes_dir: Path, services: NodeServices, post: Callable[[Event], None], boot_delay: float = 0.0
    ) -> None:
        self._nodes_dir = nodes_dir
        self._services = services
        self._post = post
        self._boot_delay = boot_delay
        self._nodes: dict[_NodeKey, _Node] = {}
        self._runs: dict[str, Run] = {}
        self._stopping = False
        self.under_way = UnderWay()

    def carry_out(self, effect: NodeEffect) -> None:
        """Begin to carry out an effect. Returns at once; the outcome comes as an event."""
        if isinstance(effect, StartRun):
            self._start_run(effect)
        elif isinstance(effect, KillRun):
            # A run that is not there has ended: its report is on the way to the service.
            if effect.run_id in self._runs:
                self._runs[effect.run_id].kill()
        elif isinstance(effect, EndInstance):
            self._end_instance(effect)
        elif isinstance(effect, BootNode):
            node = self._node(effect.pool_id, effect.node_id)
            earlier = list(node.runs.values())
            start = self._in_order(node, lambda: self._boot(effect, node, earlier))
            self.under_way.start_began(start)
            start.add_done_callback(self.under_way.ended)
        elif isinstance(effect, ReleaseNode):
            node = self._node(effect.pool_id, effect.node_id)
            earlier = list(node.runs.values())
            self._in_order(node, lambda: self._release(effect, node, earlier))
        elif self.files(effect.pool_id, effect.node_id).root.is_dir():
            node = self._node(effect.pool_id, effect.node_id)
            self._in_order(node, lambda: asyncio.to_thread(node.layout.remove_task, effect.task_root))

    def files(self, pool_id: str, node_id: str) -> NodeFiles:
        """The disk of a node, which may not exist."""
        return NodeFiles(NodeLayout.of(self._nodes_dir, pool_id, node_id).root)

    def folders(self) -> set[_NodeKey]:
        """Pool (lower case) and node of every folder there is, for finding those that no node owns."""
        return {(path.parent.name, path.name) for path in self._nodes_dir.glob("*/*")}

    def remove_folder(self, pool_id: str, node_id: str) -> None:
        """Remove the folder of a node that is no more."""
        NodeLayout.of(self._nodes_dir, pool_id, node_id).remove()

    def remove_task_folders_except(self, kept: set[str]) -> None:
        """Remove task directories that no task owns: a task of the same id must not find what is in them.

        To be called before any run.

        :param kept: directories relative to a node's root.
        """
        for pool_id, node_id in self.folders():
            layout = NodeLayout.of(self._nodes_dir, pool_id, node_id)
            for directory in list(layout.root.glob("workitems/*/*/*")):
                task_root = directory.relative_to(layout.root).as_posix()
                if task_root not in kept:
                    layout.remove_task(task_root)

    async def stop(self) -> None:
        """End all processes and transfers, without reports: the service will hear that the runs are lost."""
        self._stopping = True
        jobs = [node.last_job for node in self._nodes.values() if node.last_job is not None]
        for job in jobs:
            job.cancel()
        for run in self._runs.values():
            run.drop()
        # One sweep through all processes, however many there are.
        await self._services.launcher.stop()
        await self._services.containers.stop()
        under_way = [*jobs, *(run.transfer for run in self._runs.values() if run.transfer is not None)]
        if under_way:
            await asyncio.wait(under_way, timeout=_END_SECONDS)

    def _node(self, pool_id: str, node_id: str) -> _Node:
        key = (pool_id.lower(), node_id.lower())
        if key not in self._nodes:
            self._nodes[key] = _Node(NodeLayout.of(self._nodes_dir, pool_id, node_id))
        return self._nodes[key]

    def _in_order(self, node: _Node, job: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        before = node.last_job

        async def after() -> None:
            if before is not None:
                await asyncio.wait([before])
            try:
                await job()
            except Exception:
                _log.exception("node %s", node.layout.root.name)
            finally:
                if node.last_job is asyncio.current_task():
                    node.last_job = None

        node.last_job = asyncio.create_task(after())
        return node.last_job

    async def _boot(self, effect: BootNode, node: _Node, earlier: list[Run]) -> None:
        names = (effect.pool_id, effect.node_id, effect.boot_id)
        try:
            await self._end_processes(node, earlier)
            await asyncio.to_thread(node.layout.make, wipe=effect.wipe)
            await asyncio.sleep(self._boot_delay)
            await self._services.mounts.attach(effect.mounts, node.layout, effect.pool_identities)
            await self._services.packages.install(effect.packages, node.layout)
            await self._services.containers.prefetch(effect.containers, effect.pool_identities)
        except TransferError as error:
            self._post(NodeBootFailed(*names, error.failure))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            message = "The disk of the compute node cannot be used"
            failure = Failure("DiskFull", message, "servererror", (("Message", reason),))
            self._post(NodeBootFailed(*names, failure))
        else:
            self._post(NodeBooted(*names, node_address(effect.pool_id, effect.node_id)))

    async def _release(self, effect: ReleaseNode, node: _Node, earlier: list[Run]) -> None:
        await self._end_processes(node, earlier)
        await asyncio.to_thread(node.layout.remove)
        self._nodes.pop((effect.pool_id.lower(), effect.node_id.lower()), None)
        self._post(NodeReleased(effect.pool_id, effect.node_id, effect.boot_id))

    async def _end_processes(self, node: _Node, runs: list[Run]) -> None:
        over = [run.over() for run in runs]
        for run in runs:
            run.kill()
        if over:
            await asyncio.wait(over, timeout=_END_SECONDS)
        await self._services.launcher.sweep(node.layout.root)
        await self._services.containers.remove_of_node(node.layout.root)

    def _end_instance(self, effect: EndInstance) -> None:
        """End the processes of a task's directory. What is to run there next waits for that."""
        node = self._node(effect.pool_id, effect.node_id)
        earlier = [run.over() for run in node.runs.values() if run.effect.task_root == effect.task_root]
        directory = node.layout.task(effect.task_root).directory

        async def end() -> None:
            if earlier:
                await asyncio.wait(earlier, timeout=_END_SECONDS)
            await self._services.launcher.sweep(directory, TASK_MARK)

        self._in_order(node, end)

    def _start_run(self, effect: StartRun) -> None:
        node = self._node(effect.pool_id, effect.node_id)
        kind = Run if effect.spec.get("containerSettings") is None else ContainerRun
        run = kind(effect, node.layout, self._services, self._post)
        node.runs[effect.run_id] = self._runs[effect.run_id] = run

        def forget() -> None:
            node.runs.pop(effect.run_id, None)
            self._runs.pop(effect.run_id, None)
            self.under_way.ended(effect.run_id)

        def begin(_: object) -> None:
            if not self._stopping:
                self.under_way.run_began(effect.run_id)
                run.start()

        run.when_over(forget)
        # Also while it waits for what the node does before, so that time does not pass it by.
        self.under_way.run_began(effect.run_id)
        if node.last_job is None:
            begin(None)
        else:
            node.last_job.add_done_callback(begin)
