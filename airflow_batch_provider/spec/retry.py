"""What a later try of an Airflow task does about the jobs of earlier ones."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from airflow_batch_provider.spec.errors import SpecError, nearest

OnRetry: TypeAlias = Literal["reattach", "repair", "restart"]
"""``repair`` attaches to a job that lives and lets its failed tasks run again; of one that has ended without
success it runs again only what is not done. ``reattach`` attaches to a job that lives, and runs again all of
one that has ended. ``restart`` ends a job that lives, and runs all of it again."""


def check_on_retry(on_retry: object, *, where: str) -> None:
    """Check the word.

    Raises:
        SpecError: it is none of the three.
    """
    words = get_args(OnRetry)
    if on_retry not in words:
        raise SpecError(
            f"on_retry is {on_retry!r}",
            where=where,
            right=nearest(str(on_retry), words) or "It is 'repair', 'reattach' or 'restart'.",
        )
