"""The facade: Azure Batch as a state machine. Requests and events go in, changes and effects come out.

What can be asked of each entity is in ``facade``, a class each.

Nothing in this package does I/O, reads a clock or starts a thread: time is a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice

from batch_emulator.service import recovery, run_events, settling
from batch_emulator.service.account import Account, Quotas
from batch_emulator.service.endings import Ending
from batch_emulator.service.entities import Json
from batch_emulator.service.events import (
    Event,
    NodeBooted,
    NodeBootFailed,
    NodeLost,
    NodeObtained,
    NodePreempted,
    NodeReleased,
    RunEnded,
    RunLost,
    RunStarted,
)
from batch_emulator.service.facade.applications import ApplicationCommands
from batch_emulator.service.facade.jobs import JobCommands
from batch_emulator.service.facade.nodes import NodeCommands
from batch_emulator.service.facade.pools import PoolCommands
from batch_emulator.service.facade.schedules import ScheduleCommands
from batch_emulator.service.facade.tasks import TaskCommands
from batch_emulator.service.nodes import node_life, node_loss
from batch_emulator.service.pools import spot
from batch_emulator.service.region import RegionalCapacity
from batch_emulator.service.state import State
from batch_emulator.service.step import Step
from batch_emulator.service.story import Passage


class BatchService(
    PoolCommands, NodeCommands, JobCommands, ScheduleCommands, TaskCommands, ApplicationCommands
):
    """One Batch account.

    Commands and :meth:`handle` change the account in memory; :meth:`settle` lets everything follow that
    follows and hands over what is to be made durable and what is to be done. A command refuses with
    ``BatchError`` before it changes anything.

    :param account: name, place and quotas.
    :param seed: the same seed and the same calls give the same ids and the same order.
    """

    def __init__(self, account: Account, *, seed: int = 0) -> None:
        self._state = State(account, seed)

    @classmethod
    def restore(
        cls, account: Account, records: Iterable[tuple[str, str, Json]], *, seed: int = 0
    ) -> BatchService:
        """The account as its records tell. Call :meth:`recover` then.

        :param records: (kind, key, record) of all changes that stand.
        """
        service = cls(account, seed=seed)
        recovery.load(service._state, records)
        return service

    @property
    def account(self) -> Account:
        return self._state.account

    def set_quotas(self, quotas: Quotas) -> None:
        """Let other quotas hold from now on. What exceeds them already stays, as on the service."""
        self._state.account = replace(self._state.account, quotas=quotas)

    def set_capacity(self, capacity: Iterable[RegionalCapacity], now: datetime) -> None:
        """Let the region have only these machines from now on. Nodes that are there already stay."""
        state = self._at(now)
        state.region = tuple(capacity)
        for limit in state.region:
            state.timers.set(limit.until, "region", "")
        state.machines_came_free()

    @property
    def state(self) -> State:
        """What the rules work on; for tests and for explanations, not for changes."""
        return self._state

    def recover(self, now: datetime) -> None:
        """Go on after a restart: every process of the earlier life is dead."""
        self._at(now)
        recovery.recover(self._state)

    def handle(self, event: Event, now: datetime) -> None:
        """Take in news from outside; news of something that is over is dropped."""
        state = self._at(now)
        if isinstance(event, RunEnded):
            ending = Ending(
                event.exit_code,
                event.failure,
                event.phase,
                event.killed,
                container=event.container,
                use=event.use,
            )
            run_events.on_ended(state, event.run_id, ending)
        elif isinstance(event, RunLost):
            run_events.on_ended(state, event.run_id, Ending(killed=True, lost=True))
        elif isinstance(event, NodeObtained):
            node_life.on_obtained(state, event.pool_id, event.node_id, event.boot_id)
        elif isinstance(event, NodeBooted):
            node_life.on_booted(state, event.pool_id, event.node_id, event.boot_id, event.ip_address)
        elif isinstance(event, NodeBootFailed):
            node_life.on_boot_failed(state, event.pool_id, event.node_id, event.boot_id, event.failure)
        elif isinstance(event, NodeReleased):
            node_life.on_released(state, event.pool_id, event.node_id, event.boot_id)
        elif isinstance(event, NodePreempted):
            spot.on_preempted(state, event.pool_id, event.node_id, event.away_seconds)
        elif isinstance(event, NodeLost):
            node_loss.on_lost(state, event.pool_id, event.node_id, event.away_seconds)
        elif not isinstance(event, RunStarted):
            settling.on_time(state)

    def settle(self, now: datetime) -> Step:
        """Let everything follow that follows.

        :returns: changes and effects since the last call.
        """
        state = self._at(now)
        settling.on_time(state)
        settling.settle(state)
        return state.take()

    def story(self, kind: str, key: str, limit: int = 200) -> list[Passage]:
        """The latest transitions of an entity with their causes, oldest first."""
        passages = self._state.story.of(kind, key)
        return list(islice(passages, max(0, len(passages) - limit), None))
