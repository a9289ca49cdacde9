"""Refusals of the service, raised in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_batch_provider.client.requests.request_errors import request_failure
from airflow_batch_provider.client.requests.steps import Refusal


@contextmanager
def explained(subject: str) -> Iterator[None]:
    """Let a refusal within the block be raised in words.

    Parameters:
        subject: what is being done, such as ``Submitting Batch job x``.

    Raises:
        BatchRequestError: with what happened, the likely cause and the next step.
    """
    try:
        yield
    except Refusal as refusal:
        raise request_failure(refusal, subject) from None
