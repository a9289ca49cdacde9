"""The end of a task that nobody comes back to: what it has begun in Batch ends with it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow.sdk import BaseOperator

from airflow_batch_provider.airflow_exceptions import AirflowFailException, AirflowSkipException
from airflow_batch_provider.exceptions import BatchJobConflictError, BatchSpecError, BatchTemplateError
from airflow_batch_provider.spec.errors import SpecError

if TYPE_CHECKING:
    from airflow.sdk import Context

Method = TypeVar("Method", bound=Callable[..., Any])


def lasting(method: Method) -> Method:
    """Let a method of an operator end what its task has begun, by ``on_kill``, when it fails for good.

    That is so for an error that Airflow does not retry, which a ``SpecError`` becomes, and for any error of
    the last try: a job that waits for tasks that do not come would never end. While tries are left it stays,
    since they go on with it.

    Parameters:
        method: ``execute``, or what goes on after a wait; it takes Airflow's context.

    Returns:
        The same, which raises ``BatchSpecError`` instead of ``SpecError``: Airflow does not retry it.
    """

    @functools.wraps(method)
    def run(self: Any, context: Context, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, context, *args, **kwargs)
        except (AirflowSkipException, BatchJobConflictError):
            raise  # Nothing is left, or it is not this task's.
        except AirflowFailException:
            _end(self)
            raise
        except Exception as error:
            if isinstance(error, SpecError) and not isinstance(error, BatchTemplateError):
                _end(self)
                raise BatchSpecError(error.what, where=error.where, right=error.right) from error
            if _may_have_begun(self) and not _is_retried(self, context, error):
                _end(self)
            raise

    return cast("Method", run)


def _may_have_begun(operator: Any) -> bool:
    """Whether there can be anything to end: most operators and all sensors leave nothing in Batch."""
    return type(operator).on_kill is not BaseOperator.on_kill


def _is_retried(operator: Any, context: Context, error: Exception) -> bool:
    ti = context["ti"]
    attempt, retries = int(getattr(ti, "try_number", 1) or 1), int(getattr(ti, "max_tries", 0) or 0)
    if attempt > retries:
        return False
    policy = getattr(operator, "retry_policy", None)  # from Airflow 3.3 on
    if policy is None:
        return True
    try:
        decision = policy.evaluate(error, attempt, retries, context)
    except Exception:  # Airflow tells of it, and retries.
        return True
    return bool(decision.action.value != "fail")


def _end(operator: Any) -> None:
    try:
        operator.on_kill()
    except Exception as error:  # What the task failed of is told, not this.
        operator.log.warning("What this task has begun in Batch could not be ended: %s", error)
