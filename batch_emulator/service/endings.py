"""How a run ended, without who it was."""

from __future__ import annotations

from typing import NamedTuple

from batch_emulator.service.entities import Json
from batch_emulator.service.errors import Failure
from batch_emulator.service.resource_use import NOTHING, ResourceUse


class Ending(NamedTuple):
    """The fields of ``RunEnded`` that rules look at.

    :param lost: nobody asked for its end: the node's agent died under it.
    :param container: what there is to say of its container.
    :param use: what its process used.
    """

    exit_code: int | None = None
    failure: Failure | None = None
    phase: str = "process"
    killed: bool = False
    lost: bool = False
    container: Json | None = None
    use: ResourceUse = NOTHING

    @property
    def succeeded(self) -> bool:
        """Exit code 0 of its own accord, and its files are where they should be."""
        return self.exit_code == 0 and self.failure is None and not self.killed
