"""What the region has left of machines, where that is less than pools may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

ALLOCATION_FAILED, ALLOCATION_TIMED_OUT = "AllocationFailed", "AllocationTimedout"


@dataclass(frozen=True)
class RegionalCapacity:
    """Machines of some VM sizes that an account can have at once.

    Source: *Azure Batch pool resizing failure*, insufficient capacity: the resize fails, or remains.

    :param vm_sizes: names; ``*`` and ``?`` are wildcards, the case does not matter.
    :param dedicated: at most so many; ``None`` is enough for all.
    :param low_priority: likewise.
    :param code: what a resize that gets too few is told: with ``AllocationFailed`` it is over at once, with
        ``AllocationTimedout`` it goes on asking until its timeout.
    :param until: from then on there is enough; ``None`` is never.
    """

    vm_sizes: tuple[str, ...] = ("*",)
    dedicated: int | None = None
    low_priority: int | None = None
    code: str = ALLOCATION_FAILED
    until: datetime | None = None

    def machines(self, *, is_dedicated: bool) -> int | None:
        """At most so many of a kind; ``None`` is enough for all."""
        return self.dedicated if is_dedicated else self.low_priority

    def speaks_of(self, vm_size: str) -> bool:
        """Whether machines of a size are among those that are counted."""
        return any(fnmatchcase(vm_size.lower(), name.lower()) for name in self.vm_sizes)
