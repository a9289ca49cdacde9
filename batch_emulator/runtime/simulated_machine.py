"""Nodes that exist as times only, in place of this machine's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random

from batch_emulator.nodes.directories import NodeLayout
from batch_emulator.nodes.files import NodeFiles
from batch_emulator.nodes.under_way import UnderWay
from batch_emulator.runtime.clock import Timers
from batch_emulator.runtime.settings import Settings
from batch_emulator.service.effects import Effect
from batch_emulator.service.events import Event
from batch_emulator.service.nodes.node_logs import LogRequest
from batch_emulator.simulation.behaviour import Behaviour
from batch_emulator.simulation.nodes import SimulatedNodes

__all__ = ["SimulatedMachine"]


class SimulatedMachine:
    """What :class:`~batch_emulator.runtime.machine.Machine` is for real nodes; no file is ever made.

    :param post: takes the events of nodes and runs.
    """

    agent_pid: int | None = None

    def __init__(
        self,
        settings: Settings,
        behaviour: Behaviour,
        clock: Callable[[], datetime],
        timers: Timers,
        post: Callable[[Event], None],
    ) -> None:
        self.under_way = UnderWay()  # nothing ever is: nodes live by the account's time
        self._nodes_dir = settings.data_dir / "nodes"
        chance = Random(settings.simulation_seed)  # noqa: S311 - repeatable, not secret
        self._nodes = SimulatedNodes(behaviour, chance, clock, timers, post)

    async def start(self) -> None:
        """Nothing is needed."""

    def carry_out(self, effect: Effect) -> None:
        """Appoint what comes of an effect."""
        self._nodes.carry_out(effect)

    def files(self, pool_id: str, node_id: str) -> NodeFiles:
        """The disk of a node: a folder that does not exist."""
        return NodeFiles(NodeLayout.of(self._nodes_dir, pool_id, node_id).root)

    async def upload_logs(self, request: LogRequest) -> int:
        """There are none."""
        return 0

    def remove_folders_except(self, nodes: set[tuple[str, str]], task_roots: set[str]) -> None:
        """There are none."""

    async def stop(self) -> None:
        """The timers are stopped by whoever has them."""
