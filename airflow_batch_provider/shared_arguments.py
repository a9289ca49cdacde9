"""What all instances of a mapped task share, checked when the DAG is parsed.

Airflow makes an operator of it, which would check it, only when an instance starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from airflow_batch_provider.arguments import check_target, pool_of_job, pool_text
from airflow_batch_provider.client.requests.meaning import check_layers
from airflow_batch_provider.spec.checks import (
    check_exit_codes,
    check_period,
    check_plain,
    check_wait,
    check_work_container,
)
from airflow_batch_provider.spec.naming import check_id
from airflow_batch_provider.spec.retry import check_on_retry

SharedChecks: TypeAlias = "Mapping[str, Callable[[Any, str], object]]"
"""Name of an argument -> what refuses its value, given it and the task."""


def _pool(value: Any, where: str) -> None:
    pool = pool_of_job(value, where)
    if isinstance(pool, str):
        check_plain(pool, lambda plain: check_id(plain, where=f"{where}, pool_id"))


def _timeout(value: Any, where: str) -> None:
    if value is not None:
        check_wait(value, what="timeout", where=where)


def _start_timeout(value: Any, where: str) -> None:
    if value is not None:
        check_wait(value, what="start_timeout", where=where, positive=True)


OF_ALL: SharedChecks = {
    "poll_interval": lambda value, where: check_period(value, what="poll_interval", where=where),
    "start_timeout": _start_timeout,
}
OF_JOBS: SharedChecks = {
    **OF_ALL,
    "pool_id": _pool,
    "timeout": _timeout,
    "work_container": check_work_container,
    "on_retry": lambda value, where: check_on_retry(value, where=where),
    "no_retry_exit_codes": lambda value, where: check_exit_codes(
        value, what="no_retry_exit_codes", where=where
    ),
    "no_retry_layers": lambda value, where: check_layers(value, "no_retry_layers", where),
}
OF_TARGETS: SharedChecks = {
    **OF_ALL,
    "pool_id": pool_text,
    "job_id": lambda value, where: check_target(value, "job_id", where),
    "wait_timeout": lambda value, where: check_wait(value, what="wait_timeout", where=where),
}
"""Of what works on a pool or a job that is there."""


def check_shared(given: Mapping[str, Any], where: str, checks: SharedChecks = OF_JOBS) -> None:
    """Check arguments, each by itself; templates and XComs wait for their values.

    Parameters:
        given: arguments by name; those that are not there, as they are mapped, are not looked at.
        where: the task.
        checks: what refuses them; those of a job or a function.

    Raises:
        SpecError: a value that cannot work.
    """
    for name in checks.keys() & given.keys():
        checks[name](given[name], where)


class CheckedPartial:
    """An operator whose ``partial`` refuses what its constructor would refuse of each instance."""

    shared_checks: ClassVar[SharedChecks] = OF_JOBS

    if not TYPE_CHECKING:  # editors and type checkers see Airflow's, with all its arguments

        @classmethod
        def partial(cls, *, task_id, **kwargs):
            """Give the arguments that all instances share.

            Raises:
                SpecError: one of them cannot work.
            """
            check_shared(kwargs, f"task {task_id!r}", cls.shared_checks)
            return super().partial(task_id=task_id, **kwargs)
