"""What the process of a run used of its machine."""

from __future__ import annotations

from typing import NamedTuple


class ResourceUse(NamedTuple):
    """Of a process and those of its descendants that it waited for.

    :param user: processor time in microseconds.
    :param kernel: processor time in microseconds.
    :param read: bytes that came from a disk.
    :param written: bytes that go to a disk.
    """

    user: int = 0
    kernel: int = 0
    read: int = 0
    written: int = 0


NOTHING = ResourceUse()
