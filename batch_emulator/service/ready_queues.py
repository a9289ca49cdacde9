"""The tasks of one job that could run now, kept so that taking the next costs nothing per waiting task."""

from __future__ import annotations

import heapq

from batch_emulator.service.entities import Task


class ReadyQueues:
    """A heap of tasks by their number for every demand of slots that occurs.

    An entry is a hint: what counts is the set of numbers, so that taking a task out is cheap.
    """

    def __init__(self) -> None:
        self._heaps: dict[int, list[tuple[int, Task]]] = {}
        self._numbers: set[int] = set()

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, task: Task) -> bool:
        return task.number in self._numbers

    def numbers(self) -> frozenset[int]:
        """Numbers of the tasks in the queues."""
        return frozenset(self._numbers)

    def push(self, task: Task) -> None:
        if task.number not in self._numbers:
            self._numbers.add(task.number)
            heap = self._heaps.setdefault(task.spec["requiredSlots"], [])
            heapq.heappush(heap, (task.number, task))

    def discard(self, task: Task) -> None:
        self._numbers.discard(task.number)

    def first(self) -> Task | None:
        """The earliest added task, whatever it needs."""
        for heap in self._heaps.values():
            self._drop_stale(heap)
        heads = [heap[0] for heap in self._heaps.values() if heap]
        return min(heads, key=lambda head: head[0])[1] if heads else None

    def pop_fitting(self, free_slots: int) -> Task | None:
        """Take the earliest added task that needs no more than ``free_slots``."""
        best: list[tuple[int, Task]] | None = None
        for slots, heap in list(self._heaps.items()):
            self._drop_stale(heap)
            if not heap:
                del self._heaps[slots]
            elif slots <= free_slots and (best is None or heap[0][0] < best[0][0]):
                best = heap
        if best is None:
            return None
        number, task = heapq.heappop(best)
        self._numbers.discard(number)
        return task

    def _drop_stale(self, heap: list[tuple[int, Task]]) -> None:
        while heap and heap[0][0] not in self._numbers:
            heapq.heappop(heap)
