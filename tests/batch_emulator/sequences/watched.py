"""A world that holds what the rules do against what the documents say, by other means than the rules use."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import orjson

from batch_emulator.rest.backend import LinkedStorage, NodeFiles
from batch_emulator.rest.exchange import Reply
from batch_emulator.rest.handlers import all_handlers
from batch_emulator.rest.intake import RawRequest, take_in
from batch_emulator.rest.routing import Router
from batch_emulator.service import Account, BatchError, BatchService, Change, Quotas, Step
from batch_emulator.service.effects import Effect, KillRun, StartRun
from batch_emulator.service.entities import Job, Json, Task
from batch_emulator.service.error_kinds import NODE_NOT_FOUND
from batch_emulator.service.events import Event, NodeBooted, NodeReleased
from batch_emulator.service.ids import integer_of
from batch_emulator.service.nodes.node_logs import LogRequest
from batch_emulator.service.queries import NODE_COUNT_NAMES
from tests.batch_emulator.service.world import World, records_of

T = TypeVar("T")
ROUTER = Router()
HANDLERS = all_handlers()


class BrokenRuleError(AssertionError):
    """What must never be, happened."""


class WatchedWorld(World):
    """Answers requests of the data plane, without a server, and watches every step.

    It is the HTTP layer's backend as well: requests take the same way through it as from outside.
    """

    storage: LinkedStorage | None = None

    def __init__(self, seed: int) -> None:
        quotas = Quotas(pools=3, active_jobs_and_schedules=4, dedicated_cores=12, low_priority_cores=6)
        self.account = Account("acct", quotas=quotas)
        self.alive: set[str] = set()
        self.satisfied: dict[str, set[str]] = {}
        self._stored: dict[tuple[str, str], Json] = {}
        super().__init__(self.account, seed=seed)

    # -------------------------------------------------------------- the HTTP layer's backend

    async def execute(self, command: Callable[[BatchService, datetime], T]) -> T:
        result = command(self.service, self.now)
        self.settle()
        return result

    async def read(self, query: Callable[[BatchService, datetime], T]) -> T:
        return query(self.service, self.now)

    def files(self, pool_id: str, node_id: str) -> NodeFiles:
        raise BatchError(NODE_NOT_FOUND)

    async def upload_logs(self, request: LogRequest) -> int:
        return 1

    def send(self, raw: RawRequest, body: bytes) -> str:
        """Send a request through everything but authentication and the socket.

        :returns: the status, with the error's code if it was refused.
        """
        try:
            intake = take_in(raw, ROUTER)
            name = intake.match.operation.name
            if name not in HANDLERS:
                return "501 NotImplemented"
            run(HANDLERS[name](intake.call(body), self))
            self._check_killed(name, intake.match.parameters)
        except BatchError as error:
            self.settle()
            return f"{error.status} {error.code}"
        return str(intake.match.operation.status)

    # -------------------------------------------------------------- watching

    def tell(self, event: Event) -> None:
        self._note(event)
        super().tell(event)

    def answers(self, effect: Effect) -> list[Event]:
        events = super().answers(effect)
        for event in events:
            self._note(event)
        return events

    def _note(self, event: Event) -> None:
        if isinstance(event, NodeBooted):
            self.alive.add(event.boot_id)
        elif isinstance(event, NodeReleased):
            self.alive.discard(event.boot_id)

    def _take(self, step: Step) -> list[Event]:
        before = {job: set(names) for job, names in self.satisfied.items()}
        self._see_satisfied()
        for place, effect in enumerate(step.effects):
            if isinstance(effect, StartRun):
                earlier = [item for item in step.effects[:place] if isinstance(item, StartRun)]
                self._check_start(effect, earlier, before)
        return super()._take(step)

    def _check_start(self, run: StartRun, earlier: list[StartRun], before: dict[str, set[str]]) -> None:
        name = f"{run.kind} {run.job_id}/{run.task_id} on {run.node_id}"
        if run.boot_id not in self.alive:
            raise BrokenRuleError(f"{name}: starts on a node that is not up")
        going_on = [*self.running.values(), *earlier]
        if run.kind != "task":
            return
        others = (other for other in going_on if other.kind == run.kind)
        if any(other.task_id == run.task_id and other.job_id == run.job_id for other in others):
            raise BrokenRuleError(f"{name}: runs already")
        task, job = self.service.task(run.job_id or "", run.task_id or ""), self.service.job(run.job_id or "")
        if job.state in ("completed", "disabled"):
            raise BrokenRuleError(f"{name}: starts though its job is {job.state}")
        self._check_slots(run, going_on, name)
        self._check_prepared(run, job, name)
        done = self.satisfied[job.id.lower()] | before.get(job.id.lower(), set())
        missing = _missing(task, done)
        if missing:
            raise BrokenRuleError(f"{name}: overtook {missing}")

    def _check_slots(self, run: StartRun, going_on: list[StartRun], name: str) -> None:
        # The coordination command and the command of a multi-instance task are of one task.
        here = {
            (other.job_id, other.task_id): other.spec["requiredSlots"]
            for other in (*going_on, run)
            if other.kind in ("task", "coordination") and other.boot_id == run.boot_id
        }
        used = sum(here.values())
        slots = self.service.pool(run.pool_id).spec["taskSlotsPerNode"]
        if used > slots:
            raise BrokenRuleError(f"{name}: {used} of {slots} slots in use")

    def _check_prepared(self, run: StartRun, job: Job, name: str) -> None:
        if not job.spec.get("jobPreparationTask", {}).get("waitForSuccess"):
            return
        there = [
            item.preparation for item in self.service.job_node_runs(job.id) if item.node_id == run.node_id
        ]
        if not any(item is not None and item.result == "success" and not item.rerun for item in there):
            raise BrokenRuleError(f"{name}: the node is not prepared")

    def _check_killed(self, operation: str, parameters: Mapping[str, str]) -> None:
        """What was told to end has ended, or is being ended."""
        if operation not in ("terminate_task", "terminate_job"):
            return
        killed = {effect.run_id for effect in self.effects if isinstance(effect, KillRun)}
        for run in self.running.values():
            is_meant = (run.job_id or "").lower() == parameters["jobId"].lower() and (
                operation == "terminate_job" or (run.task_id or "").lower() == parameters["taskId"].lower()
            )
            if is_meant and run.kind == "task" and run.run_id not in killed:
                raise BrokenRuleError(f"{run.run_id}: goes on after {operation}")

    def _see_satisfied(self) -> None:
        """Remember which dependencies are met, those on tasks that were deleted since included."""
        jobs = {job.id.lower(): job for job in self.service.jobs()}
        for gone in self.satisfied.keys() - jobs.keys():
            del self.satisfied[gone]
        for key, job in jobs.items():
            known = self.satisfied.setdefault(key, set())
            for task in self.service.tasks(job.id):
                (known.add if _satisfies(task) else known.discard)(task.id.lower())

    def _store(self, change: Change) -> None:
        super()._store(change)
        if change.record is None:
            self._stored.pop((change.kind, change.key), None)
        else:
            self._stored[change.kind, change.key] = orjson.loads(self.journal[change.kind, change.key])

    def check_step(self, *, restoring: bool) -> None:
        """Hold counts and journal against what is there; a restored account too, if asked."""
        self._check_counts()
        service = records_of(self.service)
        if self._stored != service:
            raise BrokenRuleError(f"the journal differs: {_difference(self._stored, service)}")
        if not restoring:
            return
        restored = self.restored()
        if records_of(restored) != service:
            raise BrokenRuleError(f"restoring differs: {_difference(records_of(restored), service)}")
        before, after = index_of(self.service), index_of(restored)
        if before != after:
            raise BrokenRuleError(f"restoring makes another index: {_difference(after, before)}")

    def _check_counts(self) -> None:
        for job in self.service.jobs():
            states = Counter(
                task.result if task.state == "completed" else _COUNTED_AS[task.state]
                for task in self.service.tasks(job.id)
            )
            counts = self.service.task_counts(job.id).tasks
            told = {
                "active": counts.active,
                "running": counts.running,
                "success": counts.succeeded,
                "failure": counts.failed,
            }
            if told != {name: states[name] for name in told}:
                raise BrokenRuleError(f"job {job.id}: counts {told}, states {dict(states)}")
        for told_of_pool in self.service.node_counts():
            nodes = list(self.service.nodes(told_of_pool.pool_id))
            for side, dedicated in ((told_of_pool.dedicated, True), (told_of_pool.low_priority, False)):
                there = Counter(
                    NODE_COUNT_NAMES[node.state] for node in nodes if node.is_dedicated == dedicated
                )
                if any(side[name] != there[name] for name in NODE_COUNT_NAMES.values()):
                    raise BrokenRuleError(
                        f"pool {told_of_pool.pool_id}: node counts {side}, states {dict(there)}"
                    )

    # -------------------------------------------------------------- the end

    def finish_everything(self) -> None:
        """Answer what waits, end what runs, let deadlines pass: a few times, as one makes the other."""
        for _ in range(3):
            for _ in range(100):
                if not self.pending and not self.running:
                    break
                self.answer_pending()
                self.finish_all(limit=1000)
            self.advance(timedelta(minutes=20))


_COUNTED_AS = {"active": "active", "preparing": "running", "running": "running"}


def run(work: Coroutine[Any, Any, Reply]) -> Reply:
    """Run a coroutine that has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as end:
        reply: Reply = end.value
        return reply
    raise asyncio.InvalidStateError("a handler waited for something")


def _satisfies(task: Task) -> bool:
    """Whether dependents of a task may run, by its exit conditions as they are documented."""
    if task.state != "completed":
        return False
    conditions = task.spec.get("exitConditions") or {}
    for listed in (*conditions.get("exitCodes", ()), *conditions.get("exitCodeRanges", ())):
        low, high = listed.get("code", listed.get("start")), listed.get("code", listed.get("end"))
        if task.exit_code is not None and low <= task.exit_code <= high:
            options = listed.get("exitOptions") or {}
            return bool(options.get("dependencyAction", _by_result(task)) == "satisfy")
    if task.result == "failure" and (task.failure is None or task.failure.code != "FailureExitCode"):
        return bool(task.satisfies)  # which of the other conditions counts is known to the ending alone
    options = (conditions.get("default") or {}) if task.result == "failure" else {}
    return bool(options.get("dependencyAction", _by_result(task)) == "satisfy")


def _by_result(task: Task) -> str:
    return "satisfy" if task.result == "success" else "block"


def _missing(task: Task, done: set[str]) -> list[str | int]:
    depends_on = task.spec.get("dependsOn") or {}
    missing: list[str | int] = [name for name in depends_on.get("taskIds", ()) if name.lower() not in done]
    numbers = {integer_of(name) for name in done}
    for span in depends_on.get("taskIdRanges", ()):
        missing += [number for number in range(span["start"], span["end"] + 1) if number not in numbers]
    return missing


def index_of(service: BatchService) -> dict[Any, Any]:
    """What is not durable but made from it."""
    state = service.state
    index: dict[Any, Any] = {"runs": set(state.runs)}
    for room in state.jobs.values():
        index["job", room.job.id] = (
            room.ready.numbers(),
            room.dependencies.numbers(),
            room.counts,
            room.slot_counts,
            frozenset(room.occupying),
            frozenset(room.barred),
        )
    for pool in state.pools.values():
        for node in pool.nodes.values():
            load = pool.load(node.id)
            index["node", node.id] = (pool.slots.free(node.id), load.used_slots, frozenset(load.runs))
    return index


def _difference(one: dict[Any, Any], other: dict[Any, Any]) -> str:
    keys = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
    return "; ".join(f"{key}: {one.get(key)} / {other.get(key)}" for key in sorted(keys, key=str)[:3])
