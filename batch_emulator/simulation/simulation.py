"""The driver: takes the rules from one virtual time to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from itertools import islice
from random import Random
from typing import Any, TypeVar

from batch_emulator.faults import Faults, parse_faults
from batch_emulator.faults.nodes import NodeFaults
from batch_emulator.faults.record import name_of
from batch_emulator.rest.operations import OPERATION_NAMES
from batch_emulator.service.account import Account, Quotas
from batch_emulator.service.effects import Effect, WakeAt
from batch_emulator.service.entities import Job, Json, Pool, Task
from batch_emulator.service.events import Event, TimeReached
from batch_emulator.service.service import BatchService
from batch_emulator.simulation.agenda import Agenda
from batch_emulator.simulation.behaviour import Behaviour
from batch_emulator.simulation.nodes import SimulatedNodes
from batch_emulator.simulation.progress import is_done, task_numbers
from batch_emulator.simulation.result import Moment, SimulationResult

__all__ = ["Simulation"]

T = TypeVar("T")
_START = datetime(2026, 1, 1, tzinfo=timezone.utc)
_ADDED_AT_ONCE = 100
_UNLIMITED = Quotas(
    pools=10**6, active_jobs_and_schedules=10**9, dedicated_cores=10**9, low_priority_cores=10**9
)
_MAX_ROUNDS = 1_000_000


class Simulation:
    """One Batch account on a virtual clock, in memory.

    :param behaviour: of nodes and tasks; without one nodes are up at once and tasks take a second.
    :param seed: the same seed and the same calls give the same result.
    :param faults: of nodes and of the region's capacity; see ``docs/faults.md``. Those of requests, and
        quotas, have no meaning here.
    :param start: the first time, aware UTC.
    :param quotas: of the account; generous without.
    :param timeline_every: distance of the moments in the result's timeline; ``None`` for none.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        seed: int = 0,
        faults: Faults | dict[str, Any] | None = None,
        start: datetime = _START,
        quotas: Quotas = _UNLIMITED,
        timeline_every: timedelta | None = timedelta(minutes=1),
    ) -> None:
        self._start = start
        self._agenda = Agenda(start)
        self._service = BatchService(Account("simulation", quotas=quotas, has_windows_nodes=True), seed=seed)
        self._events: list[Event] = []
        self._faults = NodeFaults(self._events.append, self._agenda)
        self._nodes = SimulatedNodes(
            behaviour or Behaviour(),
            Random(seed),  # noqa: S311 - repeatable, not secret
            lambda: self._agenda.now,
            self._agenda,
            self._faults.post,
        )
        self._faults.connect(self._nodes)
        self.set_faults(faults or {})
        self._timeline: list[Moment] = []
        self._steps = 0
        if timeline_every is not None:
            self._every = timeline_every.total_seconds()
            self._agenda.call_later(0.0, self._note)

    @property
    def now(self) -> datetime:
        """The virtual time, aware UTC."""
        return self._agenda.now

    @property
    def service(self) -> BatchService:
        """The rules and all that they know; for questions."""
        return self._service

    # ------------------------------------------------------------------ commands

    def execute(self, command: Callable[[BatchService, datetime], T]) -> T:
        """Run any command of the service, as the server does.

        :param command: called with the service and the time.
        :returns: what it returns.
        :raises BatchError: the service refuses; nothing is changed.
        """
        result = command(self._service, self.now)
        self._settle()
        return result

    def create_pool(self, spec: Json) -> Pool:
        """Make a pool.

        :param spec: the request's body.
        :returns: the pool, which the rules go on to change.
        :raises BatchError: the service refuses.
        """
        return self.execute(lambda service, now: service.create_pool(spec, now))

    def create_job(self, spec: Json) -> Job:
        """Make a job.

        :param spec: the request's body.
        :returns: the job, which the rules go on to change.
        :raises BatchError: the service refuses.
        """
        return self.execute(lambda service, now: service.create_job(spec, now))

    def add_tasks(self, job_id: str, specs: Iterable[Json]) -> None:
        """Add tasks, a hundred a request, as clients do.

        :param job_id: to this job.
        :param specs: the tasks, as the request's body has them.
        :raises BatchError: a task is refused; those before it are added.
        """
        rest = iter(specs)
        while chunk := list(islice(rest, _ADDED_AT_ONCE)):
            answers = self._service.add_tasks(job_id, chunk, self.now)
            self._settle()
            for answer in answers:
                if answer.error is not None:
                    raise answer.error

    def set_faults(self, faults: Faults | dict[str, Any]) -> None:
        """Let these faults of nodes, and this capacity of the region, hold from now on.

        :param faults: as ``docs/faults.md`` has them.
        :raises FaultsError: they are not such.
        """
        parsed = faults if isinstance(faults, Faults) else parse_faults(faults, OPERATION_NAMES)
        self._faults.set(parsed)
        self._service.set_capacity((limit.since(self.now) for limit in parsed.capacity), self.now)

    # ------------------------------------------------------------------ time

    def run_for(self, span: timedelta) -> None:
        """Let a span of virtual time pass.

        :param span: how long.
        """
        self._run(self.now + span, lambda: False)

    def run_until_done(self, limit: timedelta = timedelta(days=30)) -> SimulationResult:
        """Let time pass until every task of every job is completed.

        :param limit: of virtual time; some tasks never complete.
        :returns: what it came to.
        """
        self._run(self.now + limit, self._is_done)
        return self.result()

    def result(self) -> SimulationResult:
        """What it came to so far."""
        dedicated, spot = self._nodes.node_hours()
        last = max(
            (task.end_time for task in self._tasks() if task.end_time is not None), default=self._start
        )
        struck = Counter({name_of(dice.rule): dice.struck for dice in self._faults.dice})
        return SimulationResult(
            finished=self._is_done(),
            started=self._start,
            ended=self.now,
            makespan=last - self._start,
            dedicated_node_hours=dedicated,
            spot_node_hours=spot,
            tasks=task_numbers(self._service),
            runs=self._nodes.runs,
            faults=dict(struck),
            steps=self._steps,
            timeline=tuple(self._timeline),
        )

    # ------------------------------------------------------------------ inside

    def _run(self, until: datetime, is_over: Callable[[], bool]) -> None:
        agenda = self._agenda
        self._settle()
        # Whether all is over is only asked when nothing runs: it costs time for every job.
        while self._nodes.running or not is_over():
            due = agenda.next_due()
            if due is None or due > until:
                agenda.skip_to(until)
                return
            agenda.go_on()
            self._settle()

    def _settle(self) -> None:
        """Take the events of this time, and all that follows at once."""
        service, now = self._service, self._agenda.now
        for _ in range(_MAX_ROUNDS):
            events = self._events[:]
            self._events.clear()
            for event in events:
                service.handle(event, now)
            effects = service.settle(now).effects
            self._steps += 1
            for effect in effects:
                self._carry_out(effect)
            if not self._events:
                return
        raise RuntimeError(f"The account does not come to rest at {now}.")

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, WakeAt):
            self._agenda.call_at(effect.at, self._wake)
        else:
            self._faults.carry_out(effect)

    def _wake(self) -> None:
        self._events.append(TimeReached())

    def _note(self) -> None:
        counts = task_numbers(self._service)
        completed = counts["succeeded"] + counts["failed"]
        self._timeline.append(Moment(self.now, self._nodes.obtained, self._nodes.running, completed))
        self._agenda.call_later(self._every, self._note)

    def _is_done(self) -> bool:
        return is_done(self._service)

    def _tasks(self) -> Iterable[Task]:
        for job in self._service.jobs():
            yield from self._service.tasks(job.id)
