"""A dictionary that can also be walked in the order of ids, from any id on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Generic, TypeVar

V = TypeVar("V")
# So many new names are put in their places one by one; with more of them, sorting is cheaper.
_FEW = 16


class OrderedIndex(Generic[V]):
    """Values by id: found without regard to case, walked in ordinal order of the id as it was given.

    Sorting is put off until somebody walks, so that adding many costs no more than a dictionary.
    """

    def __init__(self) -> None:
        self._values: dict[str, tuple[str, V]] = {}
        self._order: list[str] = []
        self._fresh: list[str] = []
        self._removed = 0

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def get(self, name: str) -> V | None:
        found = self._values.get(name.lower())
        return found[1] if found else None

    def __getitem__(self, name: str) -> V:
        return self._values[name.lower()][1]

    def add(self, name: str, value: V) -> None:
        if name.lower() not in self._values:
            self._fresh.append(name)
        self._values[name.lower()] = (name, value)

    def remove(self, name: str) -> V:
        self._removed += 1
        return self._values.pop(name.lower())[1]

    def values(self) -> Iterator[V]:
        """All values in the order they came."""
        return (value for _, value in self._values.values())

    def after(self, name: str = "") -> Iterator[V]:
        """Values whose id is greater than ``name``, in ordinal order of the id."""
        self._sort()
        order = self._order
        for place in range(bisect_right(order, name), len(order)):
            found = self._values.get(order[place].lower())
            if found is not None and found[0] == order[place]:
                yield found[1]

    def _sort(self) -> None:
        if self._removed > len(self._values):
            self._order = [name for name, _ in self._values.values()]
            self._fresh, self._removed = [], 0
            self._order.sort()
        elif self._fresh:
            # A new list: whoever is walking the old one is not disturbed. A name that was removed and added
            # again must not be in it twice.
            if len(self._fresh) <= _FEW:
                self._order = self._order.copy()
                self._insert()
            elif self._removed:
                self._order = sorted(set(self._order).union(self._fresh))
            else:
                self._order = sorted(self._order + self._fresh)
            self._fresh = []

    def _insert(self) -> None:
        for name in self._fresh:
            place = bisect_left(self._order, name)
            if self._order[place : place + 1] != [name]:
                self._order.insert(place, name)
