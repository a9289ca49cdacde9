"""What a code of Azure Batch means to a user: in words, and which layer its cause is in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from airflow_batch_provider.spec.explain import Explanation


class Layer(str, Enum):
    """Where a cause lies. A ``str``, so that a retry policy can compare plain words."""

    COMMAND = "command"
    """The user's program ended with an error."""
    DEFINITION = "definition"
    """What was asked for cannot work; trying again changes nothing."""
    DATA = "data"
    """A file is missing or must not be touched."""
    PLATFORM = "platform"
    """Nodes, network or the service; trying again may help."""
    QUOTA = "quota"
    """A limit of the account is reached."""


@dataclass(frozen=True)
class Meaning:
    """What a code means.

    Parameters:
        layer: where the cause lies.
        happened: the fact, as the end of a sentence about a task, a pool or a request.
        cause: the likeliest reason.
        next_step: what to do.
    """

    layer: Layer
    happened: str
    cause: str
    next_step: str

    @property
    def retry_may_help(self) -> bool:
        """Whether doing the same again can end otherwise."""
        return self.layer is not Layer.DEFINITION

    def explanation(self, subject: str) -> Explanation:
        """The meaning as a message about something, such as ``task encode-0003``."""
        return Explanation(f"{subject}: {self.happened}.", self.cause, self.next_step)
