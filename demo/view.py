"""Show progress: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from demo.stages import Stage

__all__ = ["View"]

_BAR_WIDTH = 24
_PLAIN_WIDTH = 120
"""Columns in a log, where no terminal says its own: paths of blobs stay on one line."""


class View:
    """Tells the user what happens. A context manager.

    Parameters:
        console: where to write; bars are drawn only if it is a terminal.
    """

    def __init__(self, console: Console | None = None) -> None:
        width = None if sys.stdout.isatty() else _PLAIN_WIDTH
        self.console = console or Console(file=sys.stdout, highlight=False, soft_wrap=True, width=width)
        self._begun = time.monotonic()
        self._live: Live | None = None
        self._told: dict[tuple[str, str], str] = {}

    def __enter__(self) -> View:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_progress()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begun

    def say(self, line: str) -> None:
        """A line with the time since the beginning."""
        self.console.print(Text.assemble((f"{self.elapsed:6.1f} s  ", "dim"), line))

    def plain(self, text: str = "", style: str = "") -> None:
        """Lines as they are."""
        self.console.print(Text(text, style))

    def progress(self, stages: Sequence[Stage]) -> None:
        """Show stages as they are now: drawn anew on a terminal, else a line per stage that changed."""
        if self.console.is_terminal:
            if self._live is None:
                self._live = Live(console=self.console, refresh_per_second=4, transient=False)
                self._live.start()
            self._live.update(self._bars(stages))
            return
        for stage in stages:
            text = _counts(stage)
            key = (stage.owner, stage.name)
            if self._told.get(key) != text:
                self._told[key] = text
                self.say(f"{stage.owner:<7} {stage.name:<24} {text}")

    def end_progress(self) -> None:
        """Leave the last picture on the terminal; later lines come below it."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A small table."""
        table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for name in head:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.console.print()
        self.console.print(table)

    def _bars(self, stages: Sequence[Stage]) -> RenderableType:
        grid = Table.grid(padding=(0, 1))
        for stage in stages:
            style = "red" if stage.failed else "green" if stage.ended else "cyan"
            grid.add_row(
                Text(stage.owner, "dim"),
                Text(stage.name, style),
                ProgressBar(total=stage.total, completed=stage.done, width=_BAR_WIDTH, complete_style=style),
                Text(_counts(stage)),
            )
        return Group(grid, Text(f"elapsed {self.elapsed:.0f} s", "dim"))


def _counts(stage: Stage) -> str:
    parts = [f"{stage.done} of {stage.total} done"]
    if stage.running:
        parts.append(f"{stage.running} running")
    if stage.failed:
        parts.append(f"{stage.failed} failed")
    if stage.seconds is not None:
        parts.append(f"{stage.seconds:.1f} s")
    return ", ".join(parts)
