"""The Airflow task that stands for one Batch task of a group."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_batch_provider.exceptions import AzureBatchError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.hooks.killed import end_in_worker
from airflow_batch_provider.keyed_output import KeyedOutput
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.lineage import TellsLineage, lineage_of
from airflow_batch_provider.links.job import AzureBatchJobLink, AzureBatchOutputLink, store_links
from airflow_batch_provider.masking import seal
from airflow_batch_provider.metrics import measure_for
from airflow_batch_provider.rendering import text_renderer
from airflow_batch_provider.task_groups.settings import clears_of, first_generation, was_cleared

if TYPE_CHECKING:
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.client.jobs.job_run import JobRun
    from airflow_batch_provider.client.tasks.member_place import Attempt
    from airflow_batch_provider.client.tasks.member_run import MemberRun
    from airflow_batch_provider.spec.graph import JobGraph
    from airflow_batch_provider.spec.ids import JobIdentity
    from airflow_batch_provider.spec.task import TaskSpec
    from airflow_batch_provider.task_arguments import TaskArguments
    from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup
    from airflow_batch_provider.task_groups.settings import GroupSettings


class AzureBatchMemberOperator(KeyedOutput, TellsLineage, BaseOperator):
    """Wait for one Batch task of the group's job, and fail as it fails. The group makes it.

    A retry lets the Batch task run again: in its job if that lives, else in a job of its own.

    Returns (XCom): ``{"job_id", "task_id", "exit_code", "result", "outputs": ["container/name", ...],
    "work": "container/prefix"}``.

    Parameters:
        group: the group.
        spec: the Batch task.
    """

    operator_extra_links = (AzureBatchJobLink(), AzureBatchOutputLink())
    ui_color = "#e8f3ec"

    def __init__(
        self, *, group: AzureBatchJobTaskGroup, spec: TaskSpec, **kwargs: Unpack[TaskArguments]
    ) -> None:
        super().__init__(**kwargs)
        self.group = group
        self.spec = spec
        self.job_url: str | None = None
        self.output_url: str | None = None
        self._conn_id: str | None = None
        self._job_id: str | None = None
        self._own: JobIdentity | None = None

    @lasting
    def execute(self, context: Context) -> dict[str, Any]:
        """Find the Batch task, let it run again if this is a retry, and wait for its end."""
        launched = self.group.launched(context["ti"])
        if launched is None:
            raise AzureBatchError(
                f"The Airflow task {self.group.launcher.task_id} has not told of a Batch job.\n"
                "Likely cause: it was marked as success instead of being run.\n"
                "Next step: clear it with all tasks that depend on it."
            )
        settings, run, render = self._begin(context)
        hook = AzureBatchHook(settings.conn_id)

        def own() -> JobRun:
            return self._own_run(context, hook, settings, render, launched)

        def settle(identity: JobIdentity) -> None:
            self._own = identity
            self._remember(context, settings, identity.job_id)

        job_id = run.place(self._attempt(context, launched), own, settle)
        now, start = time.time(), settings.start_timeout
        deadline = now + settings.patience.total_seconds()
        start_by = None if start is None else now + start.total_seconds()
        return self._wait(context, settings, run, job_id, deadline, start_by, seen={})

    @lasting
    def resume(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Go on after a wait in the triggerer."""
        settings, run, _ = self._begin(context)
        job_id = str(event["job_id"])
        self._remember(context, settings, job_id)
        # One that was fired by an earlier version has no reason, or no time for the start.
        ending, reason = str(event["ending"]), str(event.get("reason") or "")
        deadline, start_by, seen = float(event["deadline"]), event.get("start_by"), event["seen"]
        return self._act(context, settings, run, job_id, ending, reason, deadline, start_by, seen)

    def on_kill(self) -> None:
        """End the Batch task that is waited for, and nothing else of its job; or the job of its own."""
        if self._job_id is None or self._conn_id is None:
            return
        from airflow_batch_provider.client.jobs.claim import terminate_own
        from airflow_batch_provider.client.tasks.group_jobs import terminate_task

        script = (
            terminate_task(self._job_id, self.spec.id)
            if self._own is None
            else terminate_own(self._own, "AirflowTaskKilled")
        )
        what = f"Task {self.spec.id} of Batch job {self._job_id}"
        end_in_worker(self._conn_id, script, what, self.log)

    def _wait(
        self,
        context: Context,
        settings: GroupSettings,
        run: MemberRun,
        job_id: str,
        deadline: float,
        start_by: float | None,
        seen: Mapping[str, Sequence[int]],
    ) -> dict[str, Any]:
        from airflow_batch_provider.client.tasks.task_watch import member_watch
        from airflow_batch_provider.client.watching.streams import Follower
        from airflow_batch_provider.triggers.member import AzureBatchMemberTrigger

        self._remember(context, settings, job_id)
        if settings.deferrable:
            trigger = AzureBatchMemberTrigger(
                settings.conn_id,
                job_id,
                self.spec.id,
                deadline,
                settings.poll_interval,
                settings.log_output,
                seen,
                start_by,
                seal(*run.graph.specs, settings.options) if settings.log_output else "",
            )
            self.defer(trigger=trigger, method_name="resume")
        follower = Follower(job_id, settings.log_output, seen)
        ending, reason = run.wait(member_watch(job_id, self.spec.id, deadline, start_by), follower)
        return self._act(context, settings, run, job_id, ending, reason, deadline, start_by, follower.state())

    def _act(
        self,
        context: Context,
        settings: GroupSettings,
        run: MemberRun,
        job_id: str,
        ending: str,
        reason: str,
        deadline: float,
        start_by: float | None,
        seen: Mapping[str, Sequence[int]],
    ) -> dict[str, Any]:
        from airflow_batch_provider.client.tasks.task_watch import LATE

        if ending == "unprepared":
            raise run.unprepared(job_id, reason)
        self.lineage = lineage_of(run.graph, AzureBatchHook(settings.conn_id).settings.storage)
        if ending in LATE:
            ending = run.last_look(job_id, ending)
        if ending == "held" and settings.start_timeout is not None:
            self.log.info("Tasks that it depends on run again: its start_timeout begins anew")
            start_by = time.time() + settings.start_timeout.total_seconds()
            return self._wait(context, settings, run, job_id, deadline, start_by, seen)
        if ending in LATE:
            raise run.end_late(job_id, reason, settings.start_timeout if ending == "unstarted" else None)
        run.tell_unread(job_id, seen)
        done = run.finish(job_id)
        if done is None:  # A list has shown it as it was before it was told to run again.
            return self._wait(context, settings, run, job_id, deadline, start_by, seen)
        return done

    def _begin(self, context: Context) -> tuple[GroupSettings, MemberRun, Callable[[str], str]]:
        from airflow_batch_provider.client.tasks.member_run import MemberRun

        render = text_renderer(self, context)
        settings = self.group.settings.rendered(render)
        hook, auto_pool = AzureBatchHook(settings.conn_id), settings.options.auto_pool
        run = MemberRun(
            self._graph(render),
            hook.batch_client(),
            settings.files(hook),
            self.log,
            settings.no_retry_exit_codes,
            measure=measure_for(context["ti"], auto_pool.label if auto_pool else None, part=True),
        )
        return settings, run, render

    def _graph(self, render: Callable[[str], str]) -> JobGraph:
        return self.group.batch_graph().only([self.spec]).rendered(render)

    def _attempt(self, context: Context, launched: Mapping[str, Any]) -> Attempt:
        from airflow_batch_provider.client.tasks.member_place import Attempt

        ti = context["ti"]
        # A clear sets max_tries to the tries there were and the retries that are allowed from then on.
        first_since = ti.max_tries - (self.retries or 0) + 1
        return Attempt(
            task_id=self.spec.id,
            job_id=launched["job_id"],
            first=ti.try_number <= first_since,
            cleared=self._was_cleared(context, launched),
            same_graph=launched["graph"] == self.group.mark(),
            last_job=lambda task_id: self.group.last_job(ti, task_id),
        )

    def _was_cleared(self, context: Context, launched: Mapping[str, Any]) -> bool:
        """Whether the task was cleared after the group was launched."""
        ti = context["ti"]
        if first_generation(context, int(launched.get("launch", 0))) != ti.max_tries:
            return True
        # Of a task that has not been tried since, and where nothing is kept, only the DAG run tells.
        return was_cleared(self, ti) and clears_of(context) > launched["clears"]

    def _own_run(
        self,
        context: Context,
        hook: AzureBatchHook,
        settings: GroupSettings,
        render: Callable[[str], str],
        launched: Mapping[str, Any],
    ) -> JobRun:
        """A job of this one task, which ends by itself."""
        from airflow_batch_provider.client.jobs.job_plan import JobPlan
        from airflow_batch_provider.client.jobs.job_run import JobRun

        ti = context["ti"]
        plan = JobPlan(
            identity=settings.identity(ti),
            options=hook.placed(settings.options_on(str(launched["pool_id"]))),
            graph=self.group.part(ti, {self.spec.id}, settings).rendered(render),
            render=render,
            no_retry_exit_codes=settings.no_retry_exit_codes,
            on_retry="reattach",
            attempt=ti.try_number,
        )
        return JobRun(plan, hook.batch_client(), settings.files(hook), self.log)

    def _remember(self, context: Context, settings: GroupSettings, job_id: str) -> None:
        """Know the job for on_kill and for the links."""
        self._job_id, self._conn_id = job_id, settings.conn_id
        account = AzureBatchHook(settings.conn_id).settings
        place = f"{settings.work_container}/{job_id}/{self.spec.id}"
        self.job_url, self.output_url = store_links(context["ti"], account, job_id, place)
