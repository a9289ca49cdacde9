"""The first and the last Airflow task of a group: one submits the job, the other ends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_batch_provider.arguments import Text, text
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.hooks.killed import end_in_worker
from airflow_batch_provider.keyed_output import KeyedOutput
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.links.job import AzureBatchJobLink, store_links
from airflow_batch_provider.rendering import text_renderer
from airflow_batch_provider.task_groups.settings import clears_of, was_cleared

if TYPE_CHECKING:
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.client.jobs.job_run import JobRun
    from airflow_batch_provider.spec.ids import JobIdentity
    from airflow_batch_provider.task_arguments import TaskArguments
    from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup
    from airflow_batch_provider.task_groups.settings import GroupSettings


class AzureBatchSubmitOperator(KeyedOutput, BaseOperator):
    """Submit the members of a group that are to run as one Batch job. The group makes it.

    In a new run these are all members. After a clear they are those that were cleared: they go on in the
    group's job if that lives and none of them has succeeded in it, and run in a new job otherwise.

    Returns (XCom): ``{"job_id", "pool_id", "tasks", "graph", "clears", "launch"}``, for the members.

    Parameters:
        group: the group.
        pool_id: the pool that runs the tasks; templated, may be an XCom. Of an auto pool what its id begins
            with: the group's settings have it.
    """

    template_fields: Sequence[str] = ("pool_id",)
    operator_extra_links = (AzureBatchJobLink(),)
    ui_color = "#cfe8d8"

    def __init__(
        self, *, group: AzureBatchJobTaskGroup, pool_id: Text, **kwargs: Unpack[TaskArguments]
    ) -> None:
        super().__init__(**kwargs)
        self.group = group
        self.pool_id = text(pool_id)
        self.job_url: str | None = None
        self._settings: GroupSettings | None = None
        self._identity: JobIdentity | None = None

    @lasting
    def execute(self, context: Context) -> dict[str, Any]:
        """Submit the job, or find the one that is there."""
        ti = context["ti"]
        settings = self._settings = self.group.settings.rendered(text_renderer(self, context))
        wanted = self._wanted(ti)
        if not wanted:
            self.log.info("No task of the group is to run: nothing is submitted")
            return self._told(context, None, 0)
        hook = AzureBatchHook(settings.conn_id)
        identity = self._identity = settings.identity(ti, self.group.group_id)
        job_id = self._go_on(hook, identity, wanted) if was_cleared(self, ti) else None
        if job_id is None:
            run = self._run(context, hook, wanted, settings)
            job_id = self._submit(run, context, hook)
        self._show(context, hook, job_id)
        return self._told(context, job_id, len(wanted))

    def on_kill(self) -> None:
        """End the job that this task has submitted, and no other; its end is not waited for."""
        if self._identity is None or self._settings is None:
            return
        from airflow_batch_provider.client.jobs.claim import terminate_own

        script = terminate_own(self._identity, "AirflowTaskKilled")
        end_in_worker(self._settings.conn_id, script, f"Batch job {self._identity.job_id}", self.log)

    def _wanted(self, ti: Any) -> list[str]:
        """Ids of the Batch tasks whose Airflow tasks have no state: they have not run, or were cleared."""
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
        mapped = f"_{ti.map_index}" if (ti.map_index if ti.map_index is not None else -1) >= 0 else ""
        return [
            operator.spec.id
            for task_id, operator in self.group.members.items()
            if states.get(f"{task_id}{mapped}") is None
        ]

    def _go_on(self, hook: AzureBatchHook, identity: JobIdentity, wanted: Sequence[str]) -> str | None:
        """The job of an earlier submission that serves, with the failed tasks running again."""
        from airflow_batch_provider.client.requests.drive import Driver, log_to
        from airflow_batch_provider.client.requests.explained import explained
        from airflow_batch_provider.client.tasks.group_jobs import job_for_repair, reactivate_task

        driver = Driver(hook.batch_client(), log_to(self.log))
        with explained("Looking for the group's Batch job"):
            found = driver.run(job_for_repair(identity, self.group.mark(), wanted))
            if found is None:
                return None
            job_id, failed = found
            if not all([driver.run(reactivate_task(job_id, task_id)) for task_id in failed]):
                return None
        self.log.info("%s cleared tasks go on in Batch job %s", len(wanted), job_id)
        return job_id

    def _run(
        self, context: Context, hook: AzureBatchHook, wanted: Sequence[str], settings: GroupSettings
    ) -> JobRun:
        from airflow_batch_provider.client.jobs.job_plan import JobPlan
        from airflow_batch_provider.client.jobs.job_run import JobRun
        from airflow_batch_provider.client.tasks.group_jobs import GRAPH_MARK

        ti, render = context["ti"], text_renderer(self, context)
        plan = JobPlan(
            identity=settings.identity(ti, self.group.group_id),
            options=hook.placed(settings.options_on(self.pool_id, {GRAPH_MARK: self.group.mark()})),
            graph=self.group.part(ti, wanted, settings).rendered(render),
            render=render,
            on_retry="reattach",
            attempt=ti.try_number,
            stays_open=True,
        )
        return JobRun(plan, hook.batch_client(), settings.files(hook), self.log)

    def _submit(self, run: JobRun, context: Context, hook: AzureBatchHook) -> str:
        def settle(identity: JobIdentity) -> None:
            self._identity = identity
            self._show(context, hook, identity.job_id)

        claim = run.claim(settle)
        run.fill(claim)
        return claim.job_id

    def _show(self, context: Context, hook: AzureBatchHook, job_id: str) -> None:
        self.job_url, _ = store_links(context["ti"], hook.settings, job_id)

    def _told(self, context: Context, job_id: str | None, tasks: int) -> dict[str, Any]:
        return {
            "job_id": job_id,
            "pool_id": self.pool_id,
            "tasks": tasks,
            "graph": self.group.mark(),
            "clears": clears_of(context),
            "launch": context["ti"].try_number,
        }


class AzureBatchEndOperator(BaseOperator):
    """End the live jobs of a group, when all its members are done. The group makes it, as its teardown.

    Parameters:
        group: the group.
    """

    ui_color = "#cfe8d8"

    def __init__(self, *, group: AzureBatchJobTaskGroup, **kwargs: Unpack[TaskArguments]) -> None:
        super().__init__(**kwargs)
        self.group = group

    @lasting
    def execute(self, context: Context) -> None:
        """Ask for the end of the jobs; it is not waited for."""
        from airflow_batch_provider.client.requests.drive import Driver, log_to
        from airflow_batch_provider.client.requests.explained import explained
        from airflow_batch_provider.client.tasks.group_jobs import end_jobs

        settings = self.group.settings.rendered(text_renderer(self, context))
        owner = settings.identity(context["ti"], self.group.group_id)
        client = AzureBatchHook(settings.conn_id).batch_client()
        with explained("Ending the group's Batch job"):
            ended = Driver(client, log_to(self.log)).run(end_jobs(owner, "AirflowGroupDone"))
        self.log.info("Batch jobs that are being ended: %s", ", ".join(ended) or "none, they have ended")
