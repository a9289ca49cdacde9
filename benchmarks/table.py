"""The table that `make bench` prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Row", "print_table"]


@dataclass(frozen=True)
class Row:
    """A figure of ours, and a peer or limit that was measured in the same run.

    :param ours: in ``unit``.
    :param theirs: in ``unit``; ``None`` when the peer is not on this machine, as ``peer`` then says.
    :param at_least: the ratio of the two that is aimed at, or
    :param at_most: the one that may not be exceeded.
    """

    name: str
    ours: float
    unit: str
    peer: str
    theirs: float | None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours in units of theirs."""
        return self.ours / self.theirs if self.theirs else None

    @property
    def verdict(self) -> str:
        """Whether the aim is met."""
        if self.ratio is None:
            return "not measured"
        if self.at_least is not None:
            return f"{'met' if self.ratio >= self.at_least else 'MISSED'}, aim >= {self.at_least:g}"
        if self.at_most is not None:
            return f"{'met' if self.ratio <= self.at_most else 'MISSED'}, aim <= {self.at_most:g}"
        return ""


def print_table(rows: Iterable[Row]) -> None:
    """Print all rows."""
    print(f"{'figure':46}{'ours':>11} {'unit':9}{'peer or limit':36}{'theirs':>10}{'ratio':>9}  aim")
    for row in rows:
        theirs = "-" if row.theirs is None else _number(row.theirs)
        ratio = "-" if row.ratio is None else _number(row.ratio)
        print(
            f"{row.name:46}{_number(row.ours):>11} {row.unit:9}{row.peer:36}{theirs:>10}{ratio:>9}  "
            f"{row.verdict}".rstrip(),
            flush=True,
        )


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"
