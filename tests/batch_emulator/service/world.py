"""A world around the service: boots nodes, ends runs as it is told, keeps the journal, moves the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson

from batch_emulator.service import Account, BatchService, Change, Failure, Step
from batch_emulator.service.effects import (
    BootNode,
    DeletePackageBlob,
    Effect,
    EndInstance,
    KillRun,
    ReleaseNode,
    RemoveTaskFiles,
    StartRun,
    WakeAt,
)
from batch_emulator.service.entities import Json, Task, key_of, to_record
from batch_emulator.service.events import (
    Event,
    NodeBooted,
    NodeBootFailed,
    NodePreempted,
    NodeReleased,
    RunEnded,
    TimeReached,
)
from batch_emulator.service.invariants import check

START = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
ACCOUNT = Account("acct")


class World:
    """The runtime, replaced by obedience.

    Unless ``checked``, there is neither a journal nor a look at the invariants after each step: both cost
    more than what is tested where there are many tasks. ``boots``, ``kills`` and ``releases`` say whether the
    world answers those effects at once; else they wait in ``pending``.
    """

    def __init__(self, account: Account = ACCOUNT, *, seed: int = 7, checked: bool = True) -> None:
        self.service = BatchService(account, seed=seed)
        self.now = START
        self.boots = self.kills = self.releases = True
        self.checked = checked
        self.journal: dict[tuple[str, str], str] = {}
        self.effects: list[Effect] = []
        self.running: dict[str, StartRun] = {}
        self.pending: list[Effect] = []
        self.wake_at: datetime | None = None

    # -------------------------------------------------------------- requests and events

    def do(self, command: str, *args: Any, **options: Any) -> Any:
        """Send a request, then let everything happen that follows at once."""
        answer = getattr(self.service, command)(*args, now=self.now, **options)
        self.settle()
        return answer

    def tell(self, event: Event) -> None:
        self.service.handle(event, self.now)
        self.settle()

    def settle(self) -> None:
        for _ in range(100_000):
            step = self.service.settle(self.now)
            events = self._take(step)
            if not events:
                return
            for event in events:
                self.service.handle(event, self.now)
        raise AssertionError("the world never comes to rest")

    def _take(self, step: Step) -> list[Event]:
        if self.checked:
            for change in step.changes:
                self._store(change)
            check(self.service.state)
        self.effects.extend(step.effects)
        return [event for effect in step.effects for event in self._answer(effect)]

    def _store(self, change: Change) -> None:
        if change.record is None:
            self.journal.pop((change.kind, change.key), None)
        else:
            self.journal[change.kind, change.key] = orjson.dumps(change.record).decode()

    def _answer(self, effect: Effect) -> list[Event]:
        if isinstance(effect, StartRun):
            assert effect.run_id not in self.running
            self.running[effect.run_id] = effect
        elif isinstance(effect, WakeAt):
            self.wake_at = effect.at
        elif isinstance(effect, (EndInstance, RemoveTaskFiles, DeletePackageBlob)):
            pass
        elif self._waits(effect):
            self.pending.append(effect)
        else:
            return self.answers(effect)
        return []

    def _waits(self, effect: Effect) -> bool:
        ready = {BootNode: self.boots, KillRun: self.kills, ReleaseNode: self.releases}
        return not ready[type(effect)]

    def answers(self, effect: Effect) -> list[Event]:
        """What the runtime would say to an effect."""
        if isinstance(effect, BootNode):
            return [NodeBooted(effect.pool_id, effect.node_id, effect.boot_id, "10.0.0.4")]
        if isinstance(effect, ReleaseNode):
            for run_id in [r for r, run in self.running.items() if run.boot_id == effect.boot_id]:
                del self.running[run_id]
            return [NodeReleased(effect.pool_id, effect.node_id, effect.boot_id)]
        if isinstance(effect, KillRun) and self.running.pop(effect.run_id, None) is not None:
            return [RunEnded(effect.run_id, self.now, exit_code=137, killed=True)]
        return []

    def answer_pending(self) -> None:
        pending, self.pending = self.pending, []
        for effect in pending:
            for event in self.answers(effect):
                self.service.handle(event, self.now)
        self.settle()

    # -------------------------------------------------------------- runs

    def run_of(self, task_id: str | None, kind: str = "task") -> StartRun:
        """The one run that goes on for a task."""
        (found,) = [run for run in self.running.values() if run.task_id == task_id and run.kind == kind]
        return found

    def running_tasks(self) -> list[str]:
        return sorted(run.task_id or "" for run in self.running.values() if run.kind == "task")

    def finish(self, task_id: str | None, exit_code: int | None = 0, kind: str = "task", **more: Any) -> None:
        """End a run of a task by itself."""
        run = self.run_of(task_id, kind)
        del self.running[run.run_id]
        self.tell(RunEnded(run.run_id, self.now, exit_code=exit_code, **more))

    def finish_all(self, rule: Callable[[StartRun], int] = lambda run: 0, limit: int = 1_000_000) -> int:
        """End runs in the order of their start until none is left."""
        ended = 0
        while self.running and ended < limit:
            run_id = next(iter(self.running))
            run = self.running.pop(run_id)
            self.service.handle(RunEnded(run_id, self.now, exit_code=rule(run)), self.now)
            self.settle()
            ended += 1
        return ended

    # -------------------------------------------------------------- time and death

    def advance(self, span: timedelta) -> None:
        """Let time pass, waking the service whenever it asked for it."""
        until = self.now + span
        while self.wake_at is not None and self.wake_at <= until:
            self.now, self.wake_at = max(self.now, self.wake_at), None
            self.tell(TimeReached())
        self.now = until

    def die(self) -> None:
        """kill -9: memory and processes are gone, the journal stays."""
        self.service = self.restored()
        self.running, self.pending, self.wake_at = {}, [], None
        self.service.recover(self.now)
        self.settle()

    def restored(self) -> BatchService:
        records = [(kind, key, orjson.loads(text)) for (kind, key), text in self.journal.items()]
        return BatchService.restore(self.service.account, records, seed=self.service.state.seed)

    def left(self) -> list[tuple[str, str]]:
        """What the journal holds, but for what outlives pools: their usage."""
        return [key for key in self.journal if key[0] != "usage"]

    # -------------------------------------------------------------- looking

    def task(self, task_id: str = "task", job_id: str = "job") -> Task:
        return self.service.task(job_id, task_id)

    def states(self, job_id: str = "job") -> dict[str, str]:
        return {task.id: task.state for task in self.service.tasks(job_id)}

    def job_state(self, job_id: str = "job") -> str:
        return self.service.job(job_id).state

    def node_states(self, pool_id: str = "pool") -> list[str]:
        return [node.state for node in self.service.nodes(pool_id)]

    def node_ids(self, pool_id: str = "pool") -> list[str]:
        return [node.id for node in self.service.nodes(pool_id)]

    def sent(self, kind: type[Any]) -> list[Any]:
        """All effects of a type so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def preempt(self, node_id: str, pool_id: str = "pool") -> None:
        self.tell(NodePreempted(pool_id, node_id))

    def fail_boots(self, failure: Failure) -> None:
        """Answer the boots that wait: the machines are unusable."""
        pending, self.pending = self.pending, []
        for effect in pending:
            assert isinstance(effect, BootNode)
            self.service.handle(
                NodeBootFailed(effect.pool_id, effect.node_id, effect.boot_id, failure), self.now
            )
        self.settle()


def records_of(service: BatchService) -> dict[tuple[str, str], Json]:
    """Everything an account consists of, as records."""
    state = service.state
    entities: list[Any] = [*state.applications.values(), *state.schedules.values(), *state.usage]
    for pool in state.pools.values():
        entities += [pool.pool, *pool.nodes.values()]
    for job in state.jobs.values():
        entities += [job.job, *job.tasks.values(), *job.node_runs.values()]
        entities += [member for gang in job.gangs.values() for member in gang.members]
    return {
        (entity.kind, key_of(entity)): orjson.loads(orjson.dumps(to_record(entity))) for entity in entities
    }
