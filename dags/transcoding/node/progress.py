"""Progress for people: a few readable lines in stdout.txt instead of ffmpeg's flood."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

__all__ = ["PROGRESS_OPTIONS", "Progress", "say"]

PROGRESS_OPTIONS = ("-progress", "pipe:1", "-stats_period", "0.5")
_SECONDS_BETWEEN_LINES = 2.0


def say(text: str) -> None:
    """Writes a line at once: Batch copies stdout.txt while the task runs."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Progress:
    """Turns the blocks of `ffmpeg -progress` into lines such as `encode 720p segment 3/8: 45 % 1.8x`.

    Args:
        label: what is being done.
        total_s: length of the result in seconds.
        write: gets a line.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        label: str,
        total_s: float,
        write: Callable[[str], None] = say,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.frames = 0
        self._label = label
        self._total_s = max(total_s, 1e-6)
        self._write = write
        self._clock = clock
        self._block: dict[str, str] = {}
        self._began_at = self._last_line_at = clock()

    def __call__(self, line: str) -> None:
        """Takes one line of ffmpeg's standard output."""
        key, _, value = line.partition("=")
        self._block[key.strip()] = value.strip()
        if key.strip() == "progress":
            self._on_block(last=value.strip() == "end")

    def done(self) -> None:
        """Writes the last line; not called where ffmpeg failed, which ends its last block just as well."""
        self._line(100, self._total_s)

    def _on_block(self, last: bool) -> None:
        self.frames = _whole(self._block.get("frame", "0"))
        if last or self._clock() - self._last_line_at < _SECONDS_BETWEEN_LINES:
            return
        self._last_line_at = self._clock()
        done_s = max(0.0, _whole(self._block.get("out_time_us", "0")) / 1e6)
        self._line(min(99, int(100 * done_s / self._total_s)), done_s)

    def _line(self, percent: int, done_s: float) -> None:
        speed = done_s / max(self._clock() - self._began_at, 1e-3)
        self._write(f"{self._label}: {percent} % {speed:.1f}x")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # ffmpeg writes N/A before the first picture
        return 0
