"""When a failure ends what its task has begun: a task that Airflow does not try again."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_batch_provider.airflow_exceptions import AirflowFailException, AirflowSkipException
from airflow_batch_provider.exceptions import (
    BatchJobConflictError,
    BatchRequestError,
    BatchSpecError,
    BatchTemplateError,
)
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.spec import SpecError


class Operator:
    """Fails by an error, and knows whether it was told to end what it has begun."""

    def __init__(self, error: Exception, policy: Any = None, broken: bool = False) -> None:
        self.error, self.retry_policy, self.broken = error, policy, broken
        self.log = logging.getLogger("lasting")
        self.ended = False

    @lasting
    def execute(self, context: Any) -> None:
        raise self.error

    def on_kill(self) -> None:
        self.ended = True
        if self.broken:
            raise OSError("no network")


def on_try(number: int, retries: int = 2) -> Any:
    return {"ti": SimpleNamespace(try_number=number, max_tries=retries)}


def ends(operator: Operator, context: Any, error: type[Exception]) -> bool:
    with pytest.raises(error):
        operator.execute(context)
    return operator.ended


@pytest.mark.parametrize(
    "error", [ValueError("no"), BatchRequestError("no"), BatchTemplateError("no", right="yes")]
)
def test_an_error_of_the_last_try_ends_it_and_that_of_another_does_not(error: Exception) -> None:
    assert not ends(Operator(error), on_try(2), type(error))
    assert ends(Operator(error), on_try(3), type(error))


def test_an_error_that_is_not_retried_ends_it_at_once() -> None:
    assert ends(Operator(AirflowFailException("no")), on_try(1), AirflowFailException)
    assert ends(Operator(SpecError("no", right="yes")), on_try(1), BatchSpecError)


@pytest.mark.parametrize("error", [AirflowSkipException("no"), BatchJobConflictError("another's")])
def test_a_skip_and_a_job_of_others_end_nothing(error: Exception) -> None:
    assert not ends(Operator(error), on_try(3), type(error))


@pytest.mark.parametrize(("action", "ended"), [("fail", True), ("retry", False), ("default", False)])
def test_a_retry_policy_decides_it_too(action: str, ended: bool) -> None:
    decision = SimpleNamespace(action=SimpleNamespace(value=action))
    policy = SimpleNamespace(evaluate=lambda *given: decision)
    assert ends(Operator(ValueError("no"), policy), on_try(1), ValueError) is ended


def test_a_retry_policy_that_fails_is_not_asked_as_airflow_has_it() -> None:
    def evaluate(*given: Any) -> Any:
        raise KeyError("layer")

    policy = SimpleNamespace(evaluate=evaluate)
    assert not ends(Operator(ValueError("no"), policy), on_try(1), ValueError)


def test_what_cannot_be_ended_hides_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    assert ends(Operator(ValueError("no"), broken=True), on_try(3), ValueError)
    assert "could not be ended: no network" in caplog.text
