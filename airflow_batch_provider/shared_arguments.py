"""Checks of the arguments of operators and sensors by their names, when the DAG is parsed.

Of a mapped task Airflow makes an operator, which would check them, only when an instance starts: what all
instances share is checked by ``partial`` too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.argument_checks import Checks, optional
from airflow_batch_provider.arguments import holds_xcoms
from airflow_batch_provider.spec.requirements import check_python_version, check_requirements
from airflow_batch_provider.spec.retry import check_on_retry
from airflow_batch_provider.spec.template_syntax import check_templates


def _check_requirements(value: Any, name: str, where: str) -> None:
    if not holds_xcoms(value):
        check_requirements(value, where)


def _check_layers(value: Any, name: str, where: str) -> None:
    if value != ():
        # Most tasks name no layer, and each DAG file would pay for what they mean.
        from airflow_batch_provider.client.requests.meaning import check_layers

        check_layers(value, name, where)


OF_ALL: Checks = {
    "conn_id": kinds.word,
    "deferrable": kinds.flag,
    "namespace": kinds.words,
    "poll_interval": kinds.period,
    "start_timeout": optional(kinds.some_wait),
    "work_container": kinds.container,
}
OF_JOBS: Checks = {
    **OF_ALL,
    "pool_id": kinds.job_pool,
    "timeout": optional(kinds.wait),
    "graph_kwargs": optional(kinds.mapping),
    "environment": optional(kinds.environment),
    "metadata": optional(kinds.environment),
    "no_retry_exit_codes": kinds.exit_codes,
    "no_retry_layers": _check_layers,
    "on_retry": lambda value, name, where: check_on_retry(value, where=where),
}
OF_FUNCTIONS: Checks = {
    **OF_JOBS,
    "timeout": kinds.some_wait,
    "python": kinds.word,
    "inputs": optional(kinds.mapping),
    "requirements": _check_requirements,
    "python_version": lambda value, name, where: check_python_version(value, where),
    "serializer": kinds.one_of("pickle", "cloudpickle", "dill"),
    "xcom_bytes": kinds.at_least(0),
}
OF_GROUPS: Checks = {
    **OF_JOBS,
    "log_output": kinds.flag,
    **{name: kinds.as_text(OF_ALL[name]) for name in ("conn_id", "namespace", "work_container")},
}
OF_TARGETS: Checks = {
    **OF_ALL,
    "pool_id": kinds.pool,
    "job_id": kinds.target,
    "schedule_id": kinds.target,
    "may_be_missing": kinds.flag,
    "wait": kinds.flag,
    "wait_timeout": kinds.wait,
    "check_limits": kinds.flag,
    "min_ready_nodes": optional(kinds.at_least(0)),
}
"""Of what works on a pool or a job that is there."""


RECORDS = ("job_schedule", "preparation", "release")
"""Arguments that this package renders, beside Airflow's template fields."""


def check_shared(given: Mapping[str, Any], where: str, checks: Checks = OF_JOBS) -> None:
    """Check arguments, each by itself; templates and XComs wait for their values.

    Parameters:
        given: arguments by name; those that are not there, as they are mapped, are not looked at.
        where: the task.
        checks: what refuses them; those of a job or a function.

    Raises:
        SpecError: a value that cannot work.
    """
    for name, check in checks.items():
        if name in given:
            check(given[name], name, where)


def check_fields(given: Mapping[str, Any], fields: Collection[str], where: str) -> None:
    """Check the Jinja in what is rendered.

    Parameters:
        given: arguments by name.
        fields: the names of those that are rendered.
        where: the task.

    Raises:
        SpecError: Jinja that cannot be read.
    """
    for name in fields:
        check_templates(given.get(name), f"{where}, {name}")


class CheckedArguments:
    """An operator whose arguments are checked by their names, also those that mapped instances share."""

    checks: ClassVar[Checks] = OF_JOBS
    task_id: str
    template_fields: Collection[str]

    def check_arguments(self) -> None:
        """Check what the constructor has kept of its arguments; to be called at its end.

        Raises:
            SpecError: a value that cannot work.
        """
        where = f"task {self.task_id!r}"
        check_fields(vars(self), (*self.template_fields, *RECORDS), where)
        check_shared(vars(self), where, self.checks)

    if not TYPE_CHECKING:  # editors and type checkers see Airflow's, with all its arguments

        @classmethod
        def partial(cls, *, task_id, **kwargs):
            """Give the arguments that all instances share.

            Raises:
                SpecError: one of them cannot work.
            """
            check_fields(kwargs, (*cls.template_fields, *RECORDS), f"task {task_id!r}")
            check_shared(kwargs, f"task {task_id!r}", cls.checks)
            return super().partial(task_id=task_id, **kwargs)
