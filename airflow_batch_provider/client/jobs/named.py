"""Doing something with a job or job schedule that an author has named by its id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_batch_provider.client.requests.drive import Driver
from airflow_batch_provider.client.requests.job_requests import GONE
from airflow_batch_provider.client.requests.request_errors import request_failure
from airflow_batch_provider.client.requests.steps import Call, Refusal
from airflow_batch_provider.exceptions import BatchRequestError
from airflow_batch_provider.spec.errors import nearest

_LISTS = {"job": "list_jobs", "job schedule": "list_job_schedules"}


@contextmanager
def named(driver: Driver, subject: str, target_id: str, noun: str = "job") -> Iterator[None]:
    """Let a refusal within the block be raised in words: that of an id that is not there names one like it.

    Parameters:
        driver: by which the account is asked for its ids: one request, a thousand of them at most.
        subject: what is being done, such as ``Disabling Batch job x``.
        target_id: the id.
        noun: ``job`` or ``job schedule``.

    Raises:
        BatchRequestError: with what happened, the likely cause and the next step.
    """
    try:
        yield
    except Refusal as refusal:
        if refusal.code not in GONE | {"JobScheduleNotFound"}:
            raise request_failure(refusal, subject) from None
        near = nearest(target_id, _ids(driver, noun))
        raise BatchRequestError(
            f"{subject}: the account has no {noun} {target_id!r} ({refusal.status} {refusal.code}).\n"
            "Likely cause: the id is misspelled, it belongs to another account than the Airflow "
            "connection's, or it was deleted.\n"
            f"Next step: {near or f'Compare the id with the {noun}s of the account.'}",
            code=refusal.code,
            status=refusal.status,
            layer="submit",
        ) from None


def _ids(driver: Driver, noun: str) -> list[str]:
    """Ids of the account; none where these may not be listed, as they are a hint only."""

    def ask() -> Any:
        return (yield Call(_LISTS[noun], (), {"select": ["id"]}, answer="page"))

    try:
        return [str(each["id"]) for each in driver.run(ask())]
    except Refusal:
        return []
