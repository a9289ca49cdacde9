"""When blobs start a DAG run: each at once, so many together, or when no more come. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow_batch_provider.spec.checks import LONGEST, refuse_jinja, too_long
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.options import whole

MOST_IN_HAND = 1000
"""Blobs that a watcher keeps at the same time: so many fit into an asset event and into memory."""


@dataclass(frozen=True)
class BlobBatching:
    """How a watcher puts blobs together. All times in seconds.

    Parameters:
        max_batch: most blobs in one event.
        min_batch: an event is made when so many wait.
        quiet_period: an event is made when nothing more came for this long.
        longest_wait: an event is made when a blob has waited this long, whatever else holds.
        dag_ids: while one of these DAGs has ``max_runs`` runs that have not ended, blobs wait.
        max_runs: see ``dag_ids``; 16 is what Airflow lets a DAG have unless that says otherwise.
    """

    max_batch: int = MOST_IN_HAND
    min_batch: int = 1
    quiet_period: float = 0.0
    longest_wait: float | None = None
    dag_ids: tuple[str, ...] = ()
    max_runs: int = 16

    @classmethod
    def of(
        cls,
        where: str,
        *,
        max_batch: int = MOST_IN_HAND,
        min_batch: int = 1,
        quiet_period: timedelta | float = 0.0,
        longest_wait: timedelta | float | None = None,
        dag_ids: str | Sequence[str] = (),
        max_runs: int = 16,
    ) -> BlobBatching:
        """From what an author has written.

        Parameters:
            where: whose batching it is, for the error.

        Raises:
            SpecError: a value that cannot work, or that would keep blobs waiting for ever.
        """
        for what, count in (
            ("max_batch", max_batch),
            ("min_batch", min_batch),
            ("max_runs", max_runs),
        ):
            if whole(count, what, 1, where) is None:
                raise SpecError(f"{what} is None", where=where, right="A whole number from 1 up is needed.")
        if max_batch > MOST_IN_HAND:
            raise SpecError(
                f"max_batch is {max_batch}",
                where=where,
                right=f"A watcher keeps at most {MOST_IN_HAND} blobs; more come in further events.",
            )
        if min_batch > max_batch:
            raise SpecError(
                f"min_batch is {min_batch}, above max_batch, which is {max_batch}",
                where=where,
                right="Let min_batch be max_batch or less.",
            )
        ids = (dag_ids,) if isinstance(dag_ids, str) else dag_ids
        if not isinstance(ids, Sequence) or not all(isinstance(dag_id, str) and dag_id for dag_id in ids):
            raise SpecError(f"dag_ids is {dag_ids!r}", where=where, right="Write dag_ids=['my_dag'].")
        refuse_jinja(where, dag_ids=ids)
        if not ids and max_runs != _USUAL.max_runs:
            raise SpecError(
                f"max_runs is {max_runs} without dag_ids",
                where=where,
                right="Name the DAGs whose runs are counted: dag_ids=['my_dag']; or leave max_runs out.",
            )
        quiet = _seconds(quiet_period, "quiet_period", where)
        longest = None if longest_wait is None else _seconds(longest_wait, "longest_wait", where)
        _check_longest(longest, quiet, min_batch, where)
        return cls(
            max_batch=max_batch,
            min_batch=min_batch,
            quiet_period=quiet,
            longest_wait=longest,
            dag_ids=tuple(ids),
            max_runs=max_runs,
        )

    def is_due(self, count: int, first: float, last: float, now: float) -> bool:
        """Whether it is time to make an event of blobs that wait.

        Parameters:
            count: of the blobs.
            first: when the one came that has waited longest.
            last: when the last one came. All three times by the same clock.

        Returns:
            False when none waits.
        """
        enough = count >= self.min_batch and now >= last + self.quiet_period
        overdue = self.longest_wait is not None and now >= first + self.longest_wait
        return count > 0 and (enough or overdue)

    def arguments(self) -> dict[str, Any]:
        """What :meth:`of` takes, of plain JSON values; what is as by default stays out."""
        plain = {
            name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()
        }
        return {name: value for name, value in plain.items() if getattr(self, name) != getattr(_USUAL, name)}


_USUAL = BlobBatching()


def _check_longest(longest: float | None, quiet: float, min_batch: int, where: str) -> None:
    if min_batch > 1 and longest is None:
        raise SpecError(
            f"min_batch is {min_batch} without longest_wait",
            where=where,
            right="The last blobs could wait for ever: add longest_wait=timedelta(minutes=10), or so.",
        )
    if longest is None:
        return
    if min_batch == 1 and not quiet:
        raise SpecError(
            f"longest_wait is {longest:g} s without min_batch or quiet_period: no blob waits for others",
            where=where,
            right="Say what it waits for, by min_batch=100 or quiet_period=timedelta(minutes=5), or leave "
            "longest_wait out.",
        )
    if longest == 0:
        raise SpecError(
            f"longest_wait is 0 s: no blob waits until there are {min_batch} (min_batch)",
            where=where,
            right="Give longest_wait=timedelta(minutes=10), or so; or leave both out.",
        )
    if longest < quiet:
        raise SpecError(
            f"longest_wait is {longest:g} s, below quiet_period, which is {quiet:g} s",
            where=where,
            right="An event would never wait for the quiet: let longest_wait be the greater one.",
        )


def _seconds(value: object, what: str, where: str) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 0 <= seconds < math.inf:
        raise SpecError(
            f"{what} is {value!r}", where=where, right="Give a timedelta(...), such as timedelta(minutes=2)."
        )
    if seconds > LONGEST.total_seconds():
        raise too_long(what, where)
    return float(seconds)
