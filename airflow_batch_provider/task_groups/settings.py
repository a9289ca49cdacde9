"""What holds for all Airflow tasks of a group: connection, storage, the job's options, how to wait."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup

from airflow_batch_provider.spec.errors import SpecError, check_keywords
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.job import JobOptions

if TYPE_CHECKING:
    from airflow_batch_provider.client.jobs.job_files import JobFiles
    from airflow_batch_provider.hooks.batch import AzureBatchHook

GRACE = timedelta(minutes=30)
"""Beyond the job's own wall clock, in which the service must have ended it: release tasks take up to 15."""

_GENERATION_KEY = "azure_batch_generation"

_NOT_OF_A_GROUP = {
    "on_task_failure": "A failed member never ends the others; leave it out.",
    "no_retry_layers": "Give AzureBatchRetryPolicy(fail=...) as retry_policy in default_args.",
}


def check_group_options(given: Iterable[str], group: type[TaskGroup], where: str) -> None:
    """Refuse an option that neither a group of Batch nor Airflow's has.

    Raises:
        SpecError: names the nearest option, or says why a group does not have what the operator of a job has.
    """
    given = tuple(given)
    for name in _NOT_OF_A_GROUP.keys() & given:
        raise SpecError(f"there is no option {name!r}", where=where, right=_NOT_OF_A_GROUP[name])
    known = {*inspect.signature(group).parameters, *inspect.signature(TaskGroup).parameters} - {"kwargs"}
    check_keywords(given, known, where=where)


@dataclass(frozen=True)
class GroupSettings:
    """Settings of a group, as the parameters of ``AzureBatchJobTaskGroup``."""

    conn_id: str
    work_container: str = "batch-work"
    namespace: str = ""
    options: JobOptions = field(default_factory=lambda: JobOptions("pool"))
    timeout: timedelta | None = None
    deferrable: bool = True
    poll_interval: float = 15.0
    log_output: bool = True
    no_retry_exit_codes: frozenset[int] = frozenset()
    start_timeout: timedelta | None = None

    def rendered(self, render: Callable[[str], str]) -> GroupSettings:
        """These settings with the Jinja in their texts rendered."""
        options = self.options.rendered(render)
        return replace(
            self,
            conn_id=render(self.conn_id),
            work_container=render(self.work_container),
            namespace=render(self.namespace),
            options=replace(
                options,
                environment={name: render(value) for name, value in options.environment.items()},
                metadata={name: render(value) for name, value in options.metadata.items()},
                display_name=render(options.display_name) if options.display_name else None,
            ),
        )

    def options_on(self, pool_id: str, marks: Mapping[str, str] | None = None) -> JobOptions:
        """The options of a job.

        Parameters:
            pool_id: the pool it runs on, unless the group has an auto pool: then each job has its own.
            marks: further metadata.

        Raises:
            SpecError: a value that the service would refuse.
        """
        pool = self.options.auto_pool or pool_id
        return replace(self.options, pool_id=pool, metadata={**self.options.metadata, **(marks or {})})

    @property
    def patience(self) -> timedelta:
        """How long a member waits for its Batch task."""
        return self.timeout or self.options.max_wall_clock + GRACE

    def identity(self, ti: Any, task_id: str | None = None) -> JobIdentity:
        """Whose job it is.

        Parameters:
            ti: the running task instance.
            task_id: id of the group, for jobs that are the whole group's.
        """
        map_index = getattr(ti, "map_index", None)
        return JobIdentity(
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=task_id or ti.task_id,
            map_index=-1 if map_index is None else map_index,
            generation=int(getattr(ti, "max_tries", 0) or 0),
            namespace=self.namespace,
        )

    def files(self, hook: AzureBatchHook) -> JobFiles | None:
        """What jobs keep in storage; None when the connection names no storage account."""
        lifetime, by_identity = self.options.max_wall_clock + GRACE, self.options.auto_pool is None
        return hook.job_files(self.work_container, sas_lifetime=lifetime, by_identity=by_identity)


def was_cleared(operator: Any, ti: Any) -> bool:
    """Whether a task instance was cleared after it had been tried.

    ``max_tries`` is the operator's ``retries`` at first; a clear adds the tries there were.
    """
    return int(ti.max_tries) > int(operator.retries or 0)


def clears_of(context: Any) -> int:
    """How often tasks of this DAG run were cleared."""
    return int(getattr(context.get("dag_run"), "clear_number", 0) or 0)


def first_generation(context: Any, launch: int) -> int:
    """``max_tries`` that a task instance had at its first try since the group was launched.

    A clear changes it, whether or not the clear counts for the DAG run. It is kept where Airflow has a task
    state store (3.3), which outlives tries and clears; elsewhere it is always what it is now.

    Parameters:
        context: of the task instance.
        launch: tells the launches of the group in a DAG run apart.
    """
    now, store = int(context["ti"].max_tries), context.get("task_state_store")
    if store is None:
        return now
    known = store.get(_GENERATION_KEY)
    if isinstance(known, Mapping) and known.get("launch") == launch:
        return int(known["generation"])
    store.set(_GENERATION_KEY, {"launch": launch, "generation": now})
    return now
