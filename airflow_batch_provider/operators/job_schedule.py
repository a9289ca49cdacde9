"""An operator that makes sure a job schedule is there and as declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider import spec
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.shared_arguments import OF_ALL, CheckedArguments
from airflow_batch_provider.spec.written_graph import check_written_graph
from airflow_batch_provider.typed_output import TypedOutput

if TYPE_CHECKING:
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.spec.compile import JobStorage
    from airflow_batch_provider.spec.schedule import JobSchedule
    from airflow_batch_provider.task_arguments import TaskArguments


def _check_schedule(value: object, name: str, where: str) -> None:
    if not isinstance(value, spec.JobSchedule):
        raise spec.SpecError(
            f"{name} is {value!r}",
            where=where,
            right="It is JobSchedule('id', graph, JobOptions('pool'), every=...).",
        )
    check_written_graph(value.graph.specs)


class AzureBatchJobScheduleOperator(CheckedArguments, TypedOutput, BaseOperator):
    """Make a job schedule, or bring the one that is there to what the DAG says now; gives its id as XCom.

    A schedule goes on without Airflow: for work that must happen when Airflow may not be there. Jobs that run
    already stay as they are; a change holds for those made from then on.

    Parameters:
        job_schedule: the declaration; Jinja in its graph's texts is rendered.
        conn_id: id of the Airflow connection. Files in blobs need its ``node_identity``, since a SAS would
            run out while the schedule lives.
        namespace: tells deployments apart that share a Batch account and have DAGs of the same name.

    Raises:
        BatchJobConflictError: the id is taken by a schedule of somebody else, or by one that has ended.
        BatchRequestError: the service refused it.
    """

    checks = kinds.extended(OF_ALL, job_schedule=_check_schedule)
    template_fields: Sequence[str] = ("conn_id", "namespace")
    ui_color = "#cfe8d8"

    def __init__(
        self,
        *,
        job_schedule: JobSchedule,
        conn_id: str = AzureBatchHook.default_conn_name,
        namespace: str = "",
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.job_schedule = job_schedule
        self.conn_id = conn_id
        self.namespace = namespace
        self.check_arguments()

    @lasting
    def execute(self, context: Context) -> str:
        """Create or change the schedule."""
        from airflow_batch_provider.client.jobs.schedules import ensure_schedule
        from airflow_batch_provider.client.requests.drive import Driver, log_to
        from airflow_batch_provider.client.requests.explained import explained
        from airflow_batch_provider.rendering import text_renderer
        from airflow_batch_provider.spec.naming import digest

        hook = AzureBatchHook(self.conn_id)
        schedule = self.job_schedule.rendered(text_renderer(self, context))
        schedule = replace(schedule, options=hook.placed(schedule.options))
        storage = self._storage(hook, schedule)
        owner = digest(self.namespace, self.dag_id, self.task_id)
        driver = Driver(hook.batch_client(), log_to(self.log))
        with explained(f"Making job schedule {schedule.id}"):
            ensured = driver.run(
                ensure_schedule(schedule.id, owner, lambda marks: schedule.to_wire(marks, storage))
            )
        self.log.info("Job schedule %s: %s", schedule.id, ensured)
        return schedule.id

    def _storage(self, hook: AzureBatchHook, schedule: JobSchedule) -> JobStorage | None:
        if not schedule.needs_files:
            return None
        if not hook.settings.node_identity:
            raise spec.SpecError(
                "its files are in blobs, and the connection names no node_identity",
                where=schedule.where,
                right="Fill in node_identity of the Airflow connection: a SAS would run out while the "
                "schedule lives.",
            )
        from airflow_batch_provider.spec.compile import JobStorage, WorkArea

        # Nothing is kept in a work area: every output of a schedule has its destination.
        return JobStorage(WorkArea("unused", schedule.id), hook.storage())
