"""All that the rules work on: the account's entities, what changed in this step, what is to be done outside.

Rules are functions that take a ``State``. None of them does I/O or reads a clock: ``state.now`` is given.
"""

from __future__ import annotations

import random
from collections import deque
from datetime import datetime, timezone
from typing import Any, TypeVar

from batch_emulator.service.account import Account
from batch_emulator.service.effects import Effect, WakeAt
from batch_emulator.service.entities import (
    Application,
    Entity,
    Job,
    JobNodeRun,
    JobSchedule,
    Json,
    Node,
    Pool,
    Subtask,
    Task,
    Usage,
    Versioned,
    key_of,
)
from batch_emulator.service.index import OrderedIndex
from batch_emulator.service.region import RegionalCapacity
from batch_emulator.service.rooms import JobRoom, Load, PoolRoom
from batch_emulator.service.step import Step
from batch_emulator.service.story import Story
from batch_emulator.service.timers import Timers
from batch_emulator.service.times import ticks
from batch_emulator.service.transitions import InvalidTransition, may_follow

Run = Task | Subtask | JobNodeRun | Node
Made = TypeVar("Made", bound=Versioned)


class State:
    """The account at one instant.

    :param seed: makes everything that looks random (node ids, GUIDs, ``rand()``) the same every time.
    """

    def __init__(self, account: Account, seed: int = 0) -> None:
        self.account = account
        self.region: tuple[RegionalCapacity, ...] = ()
        self.seed = seed
        self.random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.now = datetime(1, 1, 1, tzinfo=timezone.utc)
        self.pools: OrderedIndex[PoolRoom] = OrderedIndex()
        self.jobs: OrderedIndex[JobRoom] = OrderedIndex()
        self.schedules: OrderedIndex[JobSchedule] = OrderedIndex()
        self.applications: OrderedIndex[Application] = OrderedIndex()
        self.jobs_by_pool: dict[str, dict[str, JobRoom]] = {}
        self.waiting_jobs: dict[str, dict[str, JobRoom]] = {}
        self.lenient_jobs: dict[str, dict[str, JobRoom]] = {}
        self.runs: dict[str, Run] = {}
        self.orphans: dict[str, Node] = {}
        self.usage: deque[Usage] = deque()
        self.timers = Timers()
        self.story = Story()
        self.effects: list[Effect] = []
        self.pools_to_check: dict[str, None] = {}
        self.pools_to_schedule: dict[str, None] = {}
        self.jobs_to_check: dict[str, None] = {}
        self.schedules_to_check: dict[str, None] = {}
        self.nodes_to_check: dict[tuple[str, str], None] = {}
        self._dirty: dict[int, tuple[Entity, bool]] = {}
        self._last_ticks = 0
        self._ticks_at = self.now
        self._ticks = 0

    # ------------------------------------------------------------------ what changed

    def changed(self, entity: Entity) -> None:
        """The entity's record is to be written again."""
        # By identity: what an entity is called matters to the journal alone, once for each step.
        self._dirty[id(entity)] = (entity, True)

    def removed(self, entity: Entity) -> None:
        """The entity's record is to be deleted."""
        # Last in order: its key may be that of another entity by now.
        self._dirty.pop(id(entity), None)
        self._dirty[id(entity)] = (entity, False)

    def make(self, kind: type[Made], entity_id: str, spec: Json, **own: Any) -> Made:
        """A pool, job, job schedule or task that comes into being now; it is not in the account yet.

        :param own: fields of that kind alone.
        """
        return kind(
            id=entity_id,
            spec=spec,
            creation_time=self.now,
            last_modified=self.now,
            etag=self.new_etag(),
            state="active",
            state_transition_time=self.now,
            **own,
        )

    def touch(self, entity: Versioned | Application) -> None:
        """The entity changed in a way that its users may see: a new ETag and time of modification."""
        entity.etag = self.new_etag()
        entity.last_modified = self.now

    def saw_etag(self, etag: str) -> None:
        """An ETag from before a restart: later ones must be greater."""
        if etag:
            self._last_ticks = max(self._last_ticks, int(etag, 16))

    def new_etag(self) -> str:
        """An ETag for something new."""
        if self._ticks_at is not self.now:
            self._ticks_at, self._ticks = self.now, ticks(self.now)
        self._last_ticks = max(self._last_ticks + 10, self._ticks)
        return f"0x{self._last_ticks:X}"

    def emit(self, effect: Effect) -> None:
        """Have something done outside, once the changes of this step are durable."""
        self.effects.append(effect)

    def take(self) -> Step:
        """Everything since the last call."""
        at = self.timers.to_announce()
        if at is not None:
            self.effects.append(WakeAt(at))
        step = Step(list(self._dirty.values()), self.effects)
        self._dirty, self.effects = {}, []
        return step

    # ------------------------------------------------------------------ transitions

    def move(self, entity: Pool | Job | JobSchedule | Task, finish: str, cause: str) -> None:
        """Take a pool, job, job schedule or task to another state.

        :raises InvalidTransition: the rules have a bug.
        """
        self._check(entity.kind, entity, entity.state, finish)
        self.story.add(self.now, entity.kind, entity, entity.state, finish, cause)
        entity.previous_state, entity.previous_state_transition_time = (
            entity.state,
            entity.state_transition_time,
        )
        entity.state, entity.state_transition_time = finish, self.now
        self.touch(entity)
        self.changed(entity)

    def move_node(self, node: Node, finish: str, cause: str) -> None:
        """Take a node to another state; staying where it is changes nothing."""
        if node.state == finish:
            return
        self._check("node", node, node.state, finish)
        self.story.add(self.now, "node", node, node.state, finish, cause)
        node.state, node.state_transition_time = finish, self.now
        self.changed(node)

    def move_allocation(self, pool: Pool, finish: str, cause: str) -> None:
        """Take a pool to another allocation state. Its ETag stays, as observed on the service."""
        self._check("allocation", pool, pool.allocation_state, finish)
        self.story.add(self.now, "allocation", pool, pool.allocation_state, finish, cause)
        pool.allocation_state, pool.allocation_state_transition_time = finish, self.now
        self.changed(pool)
        self.check_pool(pool)

    def _check(self, family: str, entity: Entity, start: str, finish: str) -> None:
        if not may_follow(family, start, finish):
            key = key_of(entity)
            kind = "pool" if family == "allocation" else family
            raise InvalidTransition(family, key, start, finish, self.story.of(kind, key))

    # ------------------------------------------------------------------ what to look at before the step ends

    def check_job(self, room: JobRoom) -> None:
        """See whether the job can go on to its next state."""
        self.jobs_to_check[room.job.id.lower()] = None

    def check_schedule(self, schedule_id: str) -> None:
        """See whether the schedule makes a job, or comes to its end."""
        self.schedules_to_check[schedule_id.lower()] = None

    def check_node(self, node: Node) -> None:
        """See whether the node can go on to its next state."""
        self.nodes_to_check[node.pool_id.lower(), node.id.lower()] = None

    def check_pool(self, pool: Pool) -> None:
        """See whether the pool is steady, or gone."""
        self.pools_to_check[pool.id.lower()] = None

    def machines_came_free(self) -> None:
        """The region may have machines for pools that go on asking for them."""
        for room in self.pools.values():
            if room.pool.awaits_capacity:
                self.check_pool(room.pool)

    def schedule(self, pool_id: str) -> None:
        """There may be a task for a node of the pool."""
        self.pools_to_schedule[pool_id.lower()] = None

    def offer(self, room: JobRoom) -> None:
        """A job has tasks that are ready: the scheduler of its pool looks at it until it has none."""
        self.waiting_jobs.setdefault(room.job.pool_id.lower(), {})[room.job.id.lower()] = room
        self.schedule(room.job.pool_id)

    # ------------------------------------------------------------------ finding things

    def node_of(self, pool_id: str | None, node_id: str | None) -> Node | None:
        """A node, if it is still there."""
        room = self.pools.get(pool_id) if pool_id else None
        return room.nodes.get(node_id) if room and node_id else None

    def room_of(self, task: Task) -> JobRoom:
        """The job of a task."""
        return self.jobs[task.job_id]

    def pool_room(self, node: Node) -> PoolRoom:
        """The pool of a node."""
        return self.pools[node.pool_id]

    def load_of(self, pool_id: str | None, node_id: str | None) -> Load | None:
        """What a node is busy with; ``None`` if the node is gone."""
        room = self.pools.get(pool_id) if pool_id else None
        return room.loads.get(node_id.lower()) if room and node_id else None

    def jobs_on(self, pool_id: str) -> list[JobRoom]:
        """Jobs that name a pool, whether it exists or not."""
        return list(self.jobs_by_pool.get(pool_id.lower(), {}).values())

    def bind(self, room: JobRoom, pool_id: str) -> None:
        """Let a job name a pool (another one than before), or be known there by its settings of now."""
        self.unbind(room)
        room.job.pool_id = pool_id
        self.jobs_by_pool.setdefault(pool_id.lower(), {})[key_of(room.job)] = room
        if room.job.spec["allowTaskPreemption"]:
            self.lenient_jobs.setdefault(pool_id.lower(), {})[key_of(room.job)] = room
        if room.ready:
            self.offer(room)

    def unbind(self, room: JobRoom) -> None:
        """A job no longer names its pool."""
        for jobs in (self.jobs_by_pool, self.waiting_jobs, self.lenient_jobs):
            jobs.get(room.job.pool_id.lower(), {}).pop(key_of(room.job), None)
