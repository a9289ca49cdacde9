"""Pools and jobs with all that belongs to them, and the numbers that are asked for often.

Nothing here is durable: it is made again from the entities (``State.place``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from batch_emulator.service.endings import Ending
from batch_emulator.service.entities import Job, JobNodeRun, Node, Pool, Subtask, Task
from batch_emulator.service.index import OrderedIndex
from batch_emulator.service.pools.samples import SampleHistory
from batch_emulator.service.scheduling.ready_queues import ReadyQueues
from batch_emulator.service.scheduling.slots import SlotTable
from batch_emulator.service.tasks.dependencies import DependencyIndex


@dataclass(slots=True)
class Load:
    """What a node is busy with.

    :param tasks: tasks by run id, whether preparing or running.
    :param runs: preparation and release tasks by run id.
    :param exclusive: run id of a task that must be alone on the node.
    :param subtasks: instances of multi-instance tasks by key, number 0 of each included.
    """

    tasks: dict[str, Task] = field(default_factory=dict)
    runs: dict[str, JobNodeRun] = field(default_factory=dict)
    subtasks: dict[str, Subtask] = field(default_factory=dict)
    used_slots: int = 0
    exclusive: str | None = None

    @property
    def busy(self) -> bool:
        return bool(self.tasks or self.runs or self.subtasks)


@dataclass(slots=True)
class PoolRoom:
    """A pool, its nodes, and what they are busy with (by node key: the lower-case node id).

    :param evaluation_missed: the formula was due while a resize went on.
    :param held_until: when free nodes are last known to be held for a multi-instance task.
    """

    pool: Pool
    nodes: OrderedIndex[Node] = field(default_factory=OrderedIndex)
    loads: dict[str, Load] = field(default_factory=dict)
    slots: SlotTable = field(default_factory=SlotTable)
    samples: SampleHistory = field(default_factory=SampleHistory)
    evaluation_missed: bool = False
    held_until: datetime | None = None

    def load(self, node_id: str) -> Load:
        """What a node is busy with."""
        return self.loads[node_id.lower()]


@dataclass(slots=True)
class Counts:
    """Tasks of a job by state, and the slots they ask for. Source: *Get Job Task Counts*."""

    active: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0

    @property
    def completed(self) -> int:
        return self.succeeded + self.failed

    @property
    def total(self) -> int:
        return self.active + self.running + self.completed

    def add(self, bucket: str, amount: int) -> None:
        if bucket == "active":
            self.active += amount
        elif bucket == "running":
            self.running += amount
        elif bucket == "succeeded":
            self.succeeded += amount
        else:
            self.failed += amount


def bucket_of(task: Task) -> str:
    """Which of the counts a task is in; ``preparing`` counts as running."""
    if task.state == "completed":
        return "succeeded" if task.result == "success" else "failed"
    return "active" if task.state == "active" else "running"


@dataclass(slots=True)
class Gang:
    """The instances of a multi-instance task's latest try.

    :param ending: how the try ends, while its last commands are being killed.
    """

    members: list[Subtask]
    ending: Ending | None = None

    @property
    def commands(self) -> list[Subtask]:
        """Those whose coordination command runs."""
        return [member for member in self.members if member.run_id is not None]

    @property
    def coordinated(self) -> bool:
        """Every coordination command has succeeded."""
        return all(member.run_id is None and member.exit_code == 0 for member in self.members)


@dataclass(slots=True)
class JobRoom:
    """A job and its tasks.

    :param occupying: tasks that hold a place on a node, those about to be deleted included.
    :param gangs: instances of multi-instance tasks, by the task's number.
    :param barred: keys of nodes where its preparation task failed.
    :param lifetime_at: when the longest life of one of its tasks is over.
    :param demands: what completed tasks demand of the job: ``disable``, ``terminate`` or ``manager``.
    """

    job: Job
    tasks: OrderedIndex[Task] = field(default_factory=OrderedIndex)
    ready: ReadyQueues = field(default_factory=ReadyQueues)
    dependencies: DependencyIndex = field(default_factory=DependencyIndex)
    counts: Counts = field(default_factory=Counts)
    slot_counts: Counts = field(default_factory=Counts)
    occupying: dict[int, Task] = field(default_factory=dict)
    node_runs: dict[str, JobNodeRun] = field(default_factory=dict)
    gangs: dict[int, Gang] = field(default_factory=dict)
    barred: set[str] = field(default_factory=set)
    demands: set[str] = field(default_factory=set)
    lifetime_at: datetime | None = None

    def count(self, task: Task, sign: int) -> None:
        """Add a task to the counts (1) or take it out (-1)."""
        if task.killing == "delete":
            return
        bucket = bucket_of(task)
        self.counts.add(bucket, sign)
        self.slot_counts.add(bucket, sign * int(task.spec["requiredSlots"]))
