"""Why a step failed: an exit code for the machine, three sentences for the reader."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

__all__ = ["ExitCode", "StepError"]


class ExitCode(IntEnum):
    """Exit codes of a step. The numbers and their sense are those of BSD's `sysexits.h`."""

    USAGE = 64
    """Wrong arguments, a wrong ladder, or an option that ffmpeg refuses."""
    DATA = 65
    """The input is there but is damaged, cut off, or no video. Trying again will not help."""
    NO_INPUT = 66
    """An input file is missing in the task's working directory."""
    UNAVAILABLE = 69
    """No ffmpeg on this node."""
    SOFTWARE = 70
    """ffmpeg failed for another reason."""
    IO = 74
    """The disk of the node is full or does not answer."""


class StepError(Exception):
    """A step cannot do its work.

    Args:
        code: what the process exits with.
        what: what happened.
        cause: the likely cause.
        next_step: what the reader can do.
        log: the last lines that ffmpeg wrote, if it was ffmpeg that failed.
    """

    def __init__(
        self, code: ExitCode, what: str, cause: str, next_step: str, log: Iterable[str] = ()
    ) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.cause = cause
        self.next_step = next_step
        self.log = tuple(log)

    def explain(self, step: str) -> str:
        """The message for standard error; `step` is the name of the sub-command."""
        lines = [
            f"{step} failed with exit code {int(self.code)}",
            f"What happened: {self.what}",
            f"Likely cause: {self.cause}",
            f"Next step: {self.next_step}",
        ]
        if self.log:
            lines.append("ffmpeg's last lines:")
            lines.extend(f"  {line}" for line in self.log)
        return "\n".join(lines) + "\n"
