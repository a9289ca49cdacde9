from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.requests.job_requests import TRIES, terminate_job
from airflow_batch_provider.client.requests.steps import Refusal
from tests.airflow_batch_provider.client.scripted import BUSY, Scripted


def refusing(*refusals: Refusal) -> Scripted:
    """A service that refuses so often, and then accepts."""
    left = list(refusals)

    def answer(*asked: Any) -> None:
        if left:
            raise left.pop(0)

    return Scripted(answer)


def test_a_busy_service_is_asked_again_to_end_a_job() -> None:
    # A job that is not ended goes on until its wall clock, and is paid for.
    service = refusing(BUSY, BUSY)
    assert service.run(terminate_job("j", "AirflowTimeout")) is True
    assert service.asked == ["/jobs/j/terminate"] * 3
    assert service.paused == [7.0, 7.0]


def test_whoever_has_no_time_asks_once() -> None:
    service = refusing(BUSY)
    with pytest.raises(Refusal):
        service.run(terminate_job("j", "AirflowTaskKilled", tries=1))
    assert service.asked == ["/jobs/j/terminate"]
    assert service.paused == []


def test_an_answer_that_was_lost_is_found_by_asking_again() -> None:
    service = refusing(Refusal("", 0, "reset", transient=True), Refusal("JobBeingTerminated", 409, "it is"))
    assert service.run(terminate_job("j", "AirflowTimeout")) is False


def test_asking_has_an_end() -> None:
    service = refusing(*[BUSY] * (TRIES + 1))
    with pytest.raises(Refusal):
        service.run(terminate_job("j", "AirflowTimeout"))
    assert len(service.asked) == TRIES
