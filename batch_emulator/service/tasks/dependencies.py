"""Who waits for whom inside one job, by ids and by ranges of integer ids.

Source: *Create task dependencies to run tasks that depend on the completion of other tasks*. Each completed
parent costs O(1) amortised for ids and O(log) for ranges, whatever the number of waiting tasks.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from batch_emulator.service.entities import Task
from batch_emulator.service.ids import integer_of

_Waiting = tuple[int, int]  # end of the range, number of the waiting task


class RangeWatch:
    """Tells when every integer of a range is satisfied.

    Each range is parked at its first integer that is not satisfied. When that one comes, everything parked
    there moves on together to the next missing integer; heaps are merged small into large.
    """

    def __init__(self) -> None:
        self._next: dict[int, int] = {}
        self._parked: dict[int, list[_Waiting]] = {}

    def first_missing(self, number: int) -> int:
        """The smallest integer from ``number`` on that is not satisfied."""
        passed = []
        while number in self._next:
            passed.append(number)
            number = self._next[number]
        for stop in passed:
            self._next[stop] = number
        return number

    def wait(self, start: int, end: int, number: int) -> bool:
        """Let task ``number`` wait for a range; false if there is nothing to wait for."""
        missing = self.first_missing(start)
        if missing > end:
            return False
        heapq.heappush(self._parked.setdefault(missing, []), (end, number))
        return True

    def satisfy(self, integer: int) -> list[int]:
        """An integer is satisfied: numbers of tasks for which a whole range now is (once per range)."""
        if integer in self._next:
            return []
        self._next[integer] = integer + 1
        heap = self._parked.pop(integer, None)
        if heap is None:
            return []
        missing = self.first_missing(integer)
        done = []
        while heap and heap[0][0] < missing:
            done.append(heapq.heappop(heap)[1])
        if heap:
            self._merge(missing, heap)
        return done

    def _merge(self, place: int, heap: list[_Waiting]) -> None:
        there = self._parked.get(place)
        if there is None:
            self._parked[place] = heap
            return
        small, large = sorted((heap, there), key=len)
        for item in small:
            heapq.heappush(large, item)
        self._parked[place] = large


class DependencyIndex:
    """The waiting tasks of one job."""

    def __init__(self) -> None:
        self._satisfied: set[str] = set()
        self._unmet: dict[int, int] = {}
        self._waiting: dict[int, Task] = {}
        self._by_id: dict[str, list[int]] = {}
        self._ranges = RangeWatch()

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, task: Task) -> bool:
        return task.number in self._waiting

    def numbers(self) -> frozenset[int]:
        """Numbers of the tasks that wait."""
        return frozenset(self._waiting)

    def add(self, task: Task) -> bool:
        """Take in an active task.

        :returns: true if nothing is left to wait for (the task is not kept then).
        """
        depends_on = task.spec.get("dependsOn")
        if not depends_on:
            return True
        unmet = 0
        for parent in {name.lower() for name in depends_on.get("taskIds") or ()}:
            if parent not in self._satisfied:
                self._by_id.setdefault(parent, []).append(task.number)
                unmet += 1
        for span in depends_on.get("taskIdRanges") or ():
            unmet += self._ranges.wait(span["start"], span["end"], task.number)
        if unmet:
            self._unmet[task.number] = unmet
            self._waiting[task.number] = task
        return not unmet

    def discard(self, task: Task) -> None:
        """The task no longer waits: it was ended or deleted."""
        self._unmet.pop(task.number, None)
        self._waiting.pop(task.number, None)

    def satisfy(self, task_id: str) -> list[Task]:
        """A task completed in a way that satisfies its dependents: those that can run now."""
        name = task_id.lower()
        if name in self._satisfied:
            return []
        self._satisfied.add(name)
        met: Iterable[int] = self._by_id.pop(name, ())
        integer = integer_of(name)
        if integer is not None:
            met = [*met, *self._ranges.satisfy(integer)]
        return [task for number in met if (task := self._met(number)) is not None]

    def is_satisfied(self, task_id: str) -> bool:
        """Whether a dependency on this id is met."""
        return task_id.lower() in self._satisfied

    def first_missing(self, start: int, end: int) -> int | None:
        """The first integer of a range that is not satisfied."""
        missing = self._ranges.first_missing(start)
        return missing if missing <= end else None

    def _met(self, number: int) -> Task | None:
        left = self._unmet.get(number)
        if left is None:
            return None
        if left > 1:
            self._unmet[number] = left - 1
            return None
        del self._unmet[number]
        return self._waiting.pop(number)
