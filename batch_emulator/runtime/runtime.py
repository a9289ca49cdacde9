"""The running emulator, as the HTTP layer sees it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from batch_emulator.faults.nodes import NodeFaults
from batch_emulator.journal import Journal
from batch_emulator.journal.lock import DataDirLock
from batch_emulator.nodes.storage import LinkedStorage
from batch_emulator.runtime.clock import Clock, Timers
from batch_emulator.runtime.disk import Disk
from batch_emulator.runtime.engine import Engine
from batch_emulator.runtime.fault_control import FaultControl
from batch_emulator.runtime.machine import Machine
from batch_emulator.runtime.passage import Passage
from batch_emulator.runtime.settings import Settings
from batch_emulator.service.account import Account
from batch_emulator.service.error_kinds import NODE_NOT_FOUND
from batch_emulator.service.errors import BatchError
from batch_emulator.service.events import Event
from batch_emulator.service.nodes.node_logs import LogRequest
from batch_emulator.service.service import BatchService

if TYPE_CHECKING:
    from batch_emulator.runtime.simulated_machine import SimulatedMachine

__all__ = ["Runtime"]

T = TypeVar("T")


class Runtime:
    """One account, its rules, its journal and its nodes. Make it with :meth:`open`."""

    def __init__(
        self,
        service: BatchService,
        settings: Settings,
        engine: Engine,
        machine: Machine | SimulatedMachine,
        faults: FaultControl,
        passage: Passage,
    ) -> None:
        self._service = service
        self._settings = settings
        self._engine = engine
        self._machine = machine
        self.faults = faults
        self.passage = passage

    @classmethod
    async def open(cls, settings: Settings, clock: Clock, held: DataDirLock) -> Runtime:
        """Restore the account from its folder, start the node agent, take up the work.

        :param clock: that the account lives by.
        :param held: the folder, which the caller goes on to hold after :meth:`stop`.
        :raises JournalVersionError: a version of the emulator wrote it that this one cannot read.
        :raises JournalDamagedError: it cannot be read.
        :raises JournalAccountError: it belongs to another account.
        """
        timers = Timers(clock)
        journal = Journal.open(settings.data_dir, settings.account_name, held)
        service = BatchService.restore(settings.account, journal.load(), seed=secrets.randbits(63))
        engine = Engine(service, journal, clock)
        node_faults = NodeFaults(engine.post, timers)
        machine = _machine(settings, clock, timers, node_faults.post, engine.fail)
        node_faults.connect(machine)
        engine.connect(node_faults)
        faults = FaultControl(engine, node_faults, settings.account.quotas)
        passage = Passage(clock, engine, timers, machine.under_way)
        runtime = cls(service, settings, engine, machine, faults, passage)
        try:
            await faults.set(settings.faults)
            await machine.start()
            nodes = {
                (pool.id.lower(), node.id.lower())
                for pool in service.pools()
                for node in service.nodes(pool.id)
            }
            await asyncio.to_thread(machine.remove_folders_except, nodes, service.kept_task_roots())
            await engine.recover()
        except BaseException:
            await runtime.stop()
            raise
        return runtime

    @property
    def account(self) -> Account:
        """The account that is served."""
        return self._service.account

    @property
    def storage(self) -> LinkedStorage | None:
        """The linked storage account."""
        return self._settings.storage

    @property
    def failed(self) -> asyncio.Future[None]:
        """Done, with an exception, when the process cannot go on."""
        return self._engine.failed

    @property
    def agent_pid(self) -> int | None:
        """Process id of the node agent."""
        return self._machine.agent_pid

    async def execute(self, command: Callable[[BatchService, datetime], T]) -> T:
        """See :meth:`Engine.execute`."""
        return await self._engine.execute(command)

    async def read(self, query: Callable[[BatchService, datetime], T]) -> T:
        """See :meth:`Engine.read`."""
        return await self._engine.read(query)

    def files(self, pool_id: str, node_id: str) -> Disk:
        """The disk of a node.

        :raises BatchError: ``NodeNotFound``, when the node has none.
        """
        node_files = self._machine.files(pool_id, node_id)
        if not node_files.root.is_dir():
            raise BatchError(NODE_NOT_FOUND)
        return Disk(node_files)

    async def upload_logs(self, request: LogRequest) -> int:
        """See :meth:`Machine.upload_logs`."""
        return await self._machine.upload_logs(request)

    def is_done(self) -> bool:
        """Whether no task waits or runs."""
        from batch_emulator.simulation.progress import is_done

        return is_done(self._service)

    async def stop(self) -> None:
        """Kill all processes, store what is due, close the journal."""
        self.faults.stop()
        self.passage.stop()
        await self._machine.stop()
        await self._engine.stop()


def _machine(
    settings: Settings,
    clock: Clock,
    timers: Timers,
    post: Callable[[Event], None],
    on_fatal: Callable[[BaseException], None],
) -> Machine | SimulatedMachine:
    if settings.simulation is None:
        return Machine(settings, clock, post, on_fatal)
    # Loaded where it is wanted: real nodes are the rule, and shall be ready soon.
    from batch_emulator.runtime.simulated_machine import SimulatedMachine

    return SimulatedMachine(settings, settings.simulation, clock, timers, post)
