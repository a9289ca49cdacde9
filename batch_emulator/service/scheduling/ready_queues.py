"""The tasks of one job that could run now, kept so that taking the next costs nothing per waiting task."""

from __future__ import annotations

import heapq

from batch_emulator.service.entities import Task
from batch_emulator.service.tasks.multi_instance.settings import instances_of

_Heap = list[tuple[int, Task]]


class ReadyQueues:
    """A heap of tasks by their number for every demand that occurs: of slots, or of whole nodes.

    An entry is a hint: what counts is the set of numbers, so that taking a task out is cheap.
    """

    def __init__(self) -> None:
        self._heaps: dict[int, _Heap] = {}
        self._gangs: dict[int, _Heap] = {}
        self._numbers: set[int] = set()
        self._more_nodes = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, task: Task) -> bool:
        return task.number in self._numbers

    @property
    def has_gangs(self) -> bool:
        """Whether a multi-instance task may be waiting."""
        return bool(self._gangs)

    @property
    def instances(self) -> int:
        """How many tasks wait, a multi-instance task counting for each of its instances."""
        return len(self._numbers) + self._more_nodes

    def numbers(self) -> frozenset[int]:
        """Numbers of the tasks in the queues."""
        return frozenset(self._numbers)

    def push(self, task: Task) -> None:
        if task.number in self._numbers:
            return
        self._numbers.add(task.number)
        instances = instances_of(task)
        if instances:
            self._more_nodes += instances - 1
            heap = self._gangs.setdefault(instances, [])
        else:
            heap = self._heaps.setdefault(task.spec["requiredSlots"], [])
        heapq.heappush(heap, (task.number, task))

    def discard(self, task: Task) -> None:
        if task.number in self._numbers:
            self._numbers.discard(task.number)
            self._more_nodes -= max(0, instances_of(task) - 1)

    def first(self) -> Task | None:
        """The earliest added task, whatever it needs."""
        heaps = [heap for heap in (self._earliest(self._heaps), self._earliest(self._gangs)) if heap]
        return min(heaps, key=lambda heap: heap[0][0])[0][1] if heaps else None

    def first_gang(self, free_nodes: int | None = None) -> Task | None:
        """The earliest added multi-instance task that needs no more than ``free_nodes``, if that is given."""
        heap = self._earliest(self._gangs, free_nodes) if self._gangs else None
        return heap[0][1] if heap else None

    def pop_fitting(self, free_slots: int) -> Task | None:
        """Take the earliest added ordinary task that needs no more than ``free_slots`` on its node."""
        heap = self._earliest(self._heaps, free_slots)
        if heap is None:
            return None
        number, task = heapq.heappop(heap)
        self._numbers.discard(number)
        return task

    def _earliest(self, heaps: dict[int, _Heap], most: int | None = None) -> _Heap | None:
        best: _Heap | None = None
        for demand, heap in list(heaps.items()):
            while heap and heap[0][0] not in self._numbers:
                heapq.heappop(heap)
            if not heap:
                del heaps[demand]
            elif (most is None or demand <= most) and (best is None or heap[0][0] < best[0][0]):
                best = heap
        return best
