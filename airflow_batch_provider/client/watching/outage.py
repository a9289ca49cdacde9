"""Saying once that the service could not be asked, and once that it answers again."""

from __future__ import annotations

from airflow_batch_provider.client.requests.steps import Refusal, Say, Script


class Outage:
    """Remembers whether the last look failed.

    Parameters:
        subject: what goes on meanwhile, such as ``job``.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._lasts = False

    def begins(self, refusal: Refusal) -> Script[None]:
        """A look has failed."""
        if not self._lasts:
            yield Say(
                f"Azure Batch could not be asked ({refusal}); the {self._subject} goes on, asking again",
                "warning",
            )
        self._lasts = True

    def is_over(self) -> Script[None]:
        """A look has not failed."""
        if self._lasts:
            yield Say("Azure Batch answers again")
        self._lasts = False
