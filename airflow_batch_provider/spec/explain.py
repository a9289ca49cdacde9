"""The form of every message a user reads: what happened, likely cause, next step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """What a failure tells its reader.

    Parameters:
        happened: the bare fact, with ids and the service's own code.
        cause: the likeliest reason, in the reader's terms.
        next_step: what to do about it.
    """

    happened: str
    cause: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.happened}\nLikely cause: {self.cause}\nNext step: {self.next_step}"
