"""Free task slots of a pool's nodes, ordered so that the right node is found at once."""

from __future__ import annotations

from collections.abc import Container


class SlotTable:
    """Nodes on which tasks may be put, in buckets by their number of free slots."""

    def __init__(self) -> None:
        self._free: dict[str, int] = {}
        self._buckets: dict[int, dict[str, None]] = {}

    def set(self, node: str, free: int | None) -> None:
        """Tell how many slots a node has free; ``None`` takes it out of scheduling."""
        before = self._free.get(node)
        if before == free:
            return
        if before is not None:
            bucket = self._buckets[before]
            del bucket[node]
            if not bucket:
                del self._buckets[before]
        if free is None:
            del self._free[node]
        else:
            self._free[node] = free
            self._buckets.setdefault(free, {})[node] = None

    def free(self, node: str) -> int | None:
        """Free slots of a node; ``None`` if nothing may be put there."""
        return self._free.get(node)

    def count(self, free: int) -> int:
        """How many nodes have just so many slots free."""
        return len(self._buckets.get(free, ()))

    def with_free(self, free: int) -> list[str]:
        """Nodes that have just so many slots free."""
        return list(self._buckets.get(free, ()))

    def most(self) -> int:
        """The largest number of free slots that any node has."""
        return max(self._buckets, default=0)

    def pick(self, required: int, *, pack: bool, barred: Container[str] = ()) -> str | None:
        """The node for a task that needs ``required`` slots.

        :param pack: fill nodes one after the other, rather than spread over the emptiest ones.
            Source: *Run tasks concurrently to maximize usage of Batch compute nodes*.
        :param barred: nodes that must not get it.
        """
        sizes = sorted((size for size in self._buckets if size >= required), reverse=not pack)
        for size in sizes:
            for node in self._buckets[size]:
                if node not in barred:
                    return node
        return None
