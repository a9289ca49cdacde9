"""An operator that runs a graph of tasks as one Batch job."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider import spec
from airflow_batch_provider.arguments import PoolOfJob, holds_xcoms, known_pool, pool_of_job
from airflow_batch_provider.exceptions import AzureBatchError, BatchJobFailedError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.hooks.killed import end_in_worker
from airflow_batch_provider.keyed_output import KeyedOutput
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.lineage import TellsLineage, lineage_of
from airflow_batch_provider.links.job import AzureBatchJobLink, AzureBatchOutputLink, store_links
from airflow_batch_provider.masking import seal
from airflow_batch_provider.metrics import measure_for
from airflow_batch_provider.operators.graph_argument import check_graph, rendered_graph
from airflow_batch_provider.operators.task_instance import (
    identity_of,
    remember,
    tell_failure,
    try_of,
)
from airflow_batch_provider.patience import left_by, patience_of
from airflow_batch_provider.rendering import as_texts
from airflow_batch_provider.shared_arguments import OF_JOBS, CheckedArguments
from airflow_batch_provider.spec.files import as_written
from airflow_batch_provider.spec.limits import DEFAULT_WALL_CLOCK

if TYPE_CHECKING:
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.client.jobs.claim import Claim
    from airflow_batch_provider.client.jobs.job_files import JobFiles
    from airflow_batch_provider.client.jobs.job_run import JobRun
    from airflow_batch_provider.client.requests.meaning import LayerName
    from airflow_batch_provider.spec.auto_pool import AutoPool
    from airflow_batch_provider.spec.command import Command
    from airflow_batch_provider.spec.graph import JobGraph
    from airflow_batch_provider.spec.ids import JobIdentity
    from airflow_batch_provider.spec.job import JobOptions, OnTaskFailure
    from airflow_batch_provider.spec.job_network import JobNetwork
    from airflow_batch_provider.spec.retry import OnRetry
    from airflow_batch_provider.spec.special_tasks import JobPreparation, JobRelease
    from airflow_batch_provider.task_arguments import TaskArguments

_GRACE = timedelta(minutes=30)
"""Beyond the job's own wall clock, in which the service must have ended it: release tasks take up to 15."""


def _check_log_tasks(value: object, name: str, where: str) -> None:
    if not isinstance(value, bool):
        kinds.some_of(kinds.word)(value, name, where)


class AzureBatchJobOperator(CheckedArguments, KeyedOutput, TellsLineage, BaseOperator):
    """Run a graph of tasks as one Batch job, wait for it, and give what became of it as XCom.

    The job's id follows from DAG, run, task and map index before the first call: a worker or triggerer that
    is killed at any moment leads to one job and each of its tasks once, since whoever takes over finds what
    is there. What a retry does after a failed job is told by ``on_retry``; clearing the task runs all again.

    The job ends by itself, by ``onAllTasksComplete``, its wall clock, or its first failed task; nothing of it
    is left running when Airflow is gone.

    Returns (XCom): ``{"job_id", "pool_id", "tasks": {"total", "succeeded", "failed"}, "seconds": {"job",
    "tasks"}, "results": {task: result}, "outputs": ["container/name", ...], "work": "container/prefix",
    "repaired": [job, ...]}``; ``failed`` counts failures that the graph reckons with, ``seconds`` are those
    from the job's creation to its end and those that its tasks ran all together, ``work`` is None without
    storage, and ``repaired`` are earlier jobs whose work is counted in. The event of an asset among the
    outlets carries job id, outputs and work.

    A job whose tasks failed, or that was not done in time, leaves an XCom ``failure`` for tasks downstream:
    ``{"job_id", "layer", "codes", "exit_codes": {task: code}, "work"}``.

    Parameters:
        pool_id: the pool that runs the tasks; or ``AutoPool(Pool(...))`` for one that the service makes for
            this job and deletes with it.
        graph: the tasks, in whose texts Jinja is rendered; or a function that makes the graph in the worker,
            for graphs that depend on what is known only then. It must make the same graph each time. Its
            texts and those that ``expand`` adds are taken as they are: Jinja goes into ``graph_kwargs``.
        graph_kwargs: arguments of that function; templated, and may hold XComs.
        work_container: where tasks keep what they leave, in the connection's storage account; created if it
            is not there. With a connection that names no storage account, tasks can have no files but those
            at plain URLs, and their logs stay on their nodes.
        conn_id: id of the Airflow connection.
        namespace: goes into the job ids. Deployments that share a Batch account and run DAGs of the same name
            must have different ones.
        priority, max_wall_clock, on_task_failure, environment, max_parallel_tasks, metadata, preparation,
            release, max_task_retries, allow_task_preemption, display_name, network: see
            :class:`~airflow_batch_provider.spec.job.JobOptions`.
        timeout: how long Airflow waits for the job before it ends it; None: a little longer than the job's
            ``max_wall_clock``. It ends at the latest a minute before ``execution_timeout``.
        start_timeout: how long Airflow waits for a first task to start, so for a free node, before it ends
            the job; None: ``timeout`` alone counts.
        deferrable: wait in the triggerer instead of in a worker.
        poll_interval: longest time between two looks at the job, in seconds; they are more frequent at first.
        log_tasks: show the tasks' stdout and stderr in the Airflow log while they run: of all (20 at most),
            of none, or of those whose id begins with one of these texts.
        no_retry_exit_codes: when a task fails for good with one of these, Airflow does not retry either.
        no_retry_layers: nor when the first failure lies in one of these layers, such as ``["command"]``; see
            :class:`~airflow_batch_provider.client.requests.meaning.Layer`.
        on_retry: what a retry does about an earlier try's job, unless that succeeded. ``"repair"``: attach to
            it while it lives, and let its failed tasks run again; when it has ended, submit a job of only
            the tasks that are not done. ``"reattach"``: attach while it lives; when it has ended, submit all
            tasks again. ``"restart"``: end it, and submit all tasks again.

    Raises:
        SpecError: the graph or an option cannot work; at DAG parse, unless a function makes the graph.
    """

    template_fields: Sequence[str] = (
        "pool_id",
        "graph_kwargs",
        "work_container",
        "conn_id",
        "namespace",
        "environment",
        "metadata",
        "display_name",
    )
    operator_extra_links = (AzureBatchJobLink(), AzureBatchOutputLink())
    ui_color = "#cfe8d8"
    checks = kinds.extended(OF_JOBS, log_tasks=_check_log_tasks)

    def __init__(
        self,
        *,
        pool_id: PoolOfJob,
        graph: JobGraph | Callable[..., JobGraph],
        graph_kwargs: Mapping[str, Any] | None = None,
        work_container: str = "batch-work",
        conn_id: str = AzureBatchHook.default_conn_name,
        namespace: str = "",
        priority: int = 0,
        max_wall_clock: timedelta = DEFAULT_WALL_CLOCK,
        on_task_failure: OnTaskFailure = "terminate",
        environment: Mapping[str, str] | None = None,
        max_parallel_tasks: int | None = None,
        metadata: Mapping[str, str] | None = None,
        preparation: JobPreparation | Command | None = None,
        release: JobRelease | Command | None = None,
        max_task_retries: int | None = None,
        allow_task_preemption: bool = False,
        display_name: str | None = None,
        network: JobNetwork | None = None,
        timeout: timedelta | None = None,
        start_timeout: timedelta | None = None,
        deferrable: bool = True,
        poll_interval: float = 15.0,
        log_tasks: bool | Sequence[str] = True,
        no_retry_exit_codes: Collection[int] = (),
        no_retry_layers: Collection[LayerName] = (),
        on_retry: OnRetry = "repair",
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.pool_id = pool_of_job(pool_id, f"task {self.task_id!r}")
        self.graph = graph
        self.graph_kwargs = graph_kwargs
        self.work_container = work_container
        self.conn_id = conn_id
        self.namespace = namespace
        self.priority = priority
        self.max_wall_clock = max_wall_clock
        self.on_task_failure = on_task_failure
        self.environment = environment
        self.max_parallel_tasks = max_parallel_tasks
        self.metadata = metadata
        self.preparation = preparation
        self.release = release
        self.max_task_retries = max_task_retries
        self.allow_task_preemption = allow_task_preemption
        self.display_name = display_name
        self.network = network
        self.timeout = timeout
        self.start_timeout = start_timeout
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.log_tasks = log_tasks
        self.no_retry_exit_codes = no_retry_exit_codes
        self.no_retry_layers = no_retry_layers
        self.on_retry: OnRetry = on_retry
        self.identity: JobIdentity | None = None
        self.job_url: str | None = None
        self.output_url: str | None = None
        self._secrets_in: Sequence[str] = ()
        self._check()

    @lasting
    def execute(self, context: Context) -> dict[str, Any]:
        """Submit the job or attach to it, and wait for its end."""
        self.identity = identity_of(context, self.namespace)  # An earlier try may have submitted it.
        run = self._run(context)
        claim = run.claim(lambda identity: self._remember(context, identity))
        if self._has_succeeded(claim):
            return self._finish(context, run, claim)
        patience = patience_of(self._longest, self.execution_timeout)
        now, start = time.time(), self.start_timeout
        start_by = None if start is None else now + start.total_seconds()
        return self._go_on(context, run, claim, now + patience.total_seconds(), {}, start_by)

    @lasting
    def resume(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Go on after a wait in the triggerer."""
        identity = replace(identity_of(context, self.namespace), submission=int(event["submission"]))
        self._remember(context, identity)
        run = self._run(context)
        claim = run.attached(identity)
        return self._act(context, run, claim, event)

    def on_kill(self) -> None:
        """End the job that this task has submitted, and no other; its end is not waited for."""
        if self.identity is None:
            return
        from airflow_batch_provider.client.jobs.claim import terminate_own

        script = terminate_own(self.identity, "AirflowTaskKilled")
        end_in_worker(self.conn_id, script, f"Batch job {self.identity.job_id}", self.log)

    @property
    def _longest(self) -> timedelta:
        return self.timeout or self.max_wall_clock + _GRACE

    def _go_on(
        self,
        context: Context,
        run: JobRun,
        claim: Claim,
        deadline: float,
        seen: Mapping[str, Sequence[int]],
        start_by: float | None = None,
    ) -> dict[str, Any]:
        """Submit what is known by now and wait for what comes next."""
        from airflow_batch_provider.client.jobs.watching import Watch
        from airflow_batch_provider.client.watching.idle_watch import IdleWatch
        from airflow_batch_provider.client.watching.streams import Follower
        from airflow_batch_provider.triggers.job import AzureBatchJobTrigger

        graph = run.fill(claim)
        after = [expansion.after for expansion in graph.expansions]
        total = len(graph) - len(claim.earlier.views)
        if self.deferrable:
            self.defer(
                trigger=AzureBatchJobTrigger(
                    self.conn_id,
                    claim.job_id,
                    claim.identity.submission,
                    total,
                    after,
                    deadline,
                    self.poll_interval,
                    self.log_tasks if isinstance(self.log_tasks, bool) else list(self.log_tasks),
                    seen,
                    graph.may_skip,
                    self._secrets_in,
                    seal(*graph.specs, run.plan.options) if self.log_tasks else "",
                    start_by,
                ),
                method_name="resume",
            )
        follower = Follower(claim.job_id, self.log_tasks, seen)
        watch = Watch(claim.job_id, total, after, deadline, graph.may_skip, start_by)
        idle = IdleWatch()
        ending = run.wait(watch, follower, idle, longest=self.poll_interval)
        event = {"ending": ending, "deadline": deadline, "seen": follower.state(), "reason": idle.reason}
        return self._act(context, run, claim, event)

    def _act(self, context: Context, run: JobRun, claim: Claim, event: Mapping[str, Any]) -> dict[str, Any]:
        """Go on after a wait; ``event`` is as the trigger gives it."""
        from airflow_batch_provider.client.jobs.claim import Found

        # One that was fired by an earlier version has no reason.
        ending, reason = event["ending"], str(event.get("reason") or "")
        if ending == "expand":
            claim = replace(claim, found=Found.ATTACHED)
            return self._go_on(context, run, claim, float(event["deadline"]), event["seen"])
        if ending == "unprepared":
            error = run.unprepared(claim.job_id, reason)
            tell_failure(context, error)
            raise error
        if ending == "stalled":
            self.log.info(
                "What is left of Batch job %s waits for tasks that block it; ending it", claim.job_id
            )
            run.terminate(claim.job_id, "AirflowNothingLeftToRun")
        if ending in ("timeout", "unstarted") and not run.has_ended(claim.job_id):
            left = left_by(self.execution_timeout)
            own = left is None or left >= self._longest
            start = self.start_timeout if ending == "unstarted" else None
            late = run.end_late(claim.job_id, reason, None if own else left, start)
            tell_failure(context, late)
            with suppress(AzureBatchError, spec.SpecError):  # They would hide that the time was over.
                self._know_lineage(context, run, claim)
            raise late
        run.tell_unread(claim.job_id, event["seen"])
        return self._finish(context, run, replace(claim, found=Found.ATTACHED))

    def _finish(self, context: Context, run: JobRun, claim: Claim) -> dict[str, Any]:
        """Say what became of the job; an asset among the outlets learns where the outputs are."""
        self._know_lineage(context, run, claim)
        try:
            summary = run.finish(claim)
        except BatchJobFailedError as error:
            tell_failure(context, error)
            raise
        for outlet in self.outlets:
            if isinstance(outlet, Asset):
                told = {name: summary[name] for name in ("job_id", "outputs", "work")}
                context["outlet_events"][outlet].extra.update(told)
        return summary

    def _know_lineage(self, context: Context, run: JobRun, claim: Claim) -> None:
        self.lineage = lineage_of(run.grown(claim), AzureBatchHook(self.conn_id).settings.storage)

    def _run(self, context: Context) -> JobRun:
        from airflow_batch_provider.client.jobs.job_plan import JobPlan
        from airflow_batch_provider.client.jobs.job_run import JobRun
        from airflow_batch_provider.rendering import text_renderer

        render = text_renderer(self, context)
        hook = AzureBatchHook(self.conn_id)
        options = hook.placed(self._options(self.pool_id).rendered(render))
        plan = JobPlan(
            identity=identity_of(context, self.namespace),
            options=options,
            graph=self._graph(render),
            render=as_written,
            no_retry_exit_codes=frozenset(self.no_retry_exit_codes),
            no_retry_layers=frozenset(self.no_retry_layers),
            on_retry=self.on_retry,
            attempt=try_of(context),
        )
        measure = measure_for(context["ti"], options.pool_label)
        return JobRun(plan, hook.batch_client(), self._files(hook, options), self.log, measure=measure)

    def _files(self, hook: AzureBatchHook, options: JobOptions) -> JobFiles | None:
        lifetime, by_identity = self.max_wall_clock + _GRACE, options.auto_pool is None
        return hook.job_files(self.work_container, sas_lifetime=lifetime, by_identity=by_identity)

    def _graph(self, render: Callable[[str], str]) -> JobGraph:
        return rendered_graph(self.graph, self.graph_kwargs, render, f"task {self.task_id!r}")

    def _remember(self, context: Context, identity: JobIdentity) -> None:
        """Know the job before it is asked for: for on_kill, for the link, and for whoever takes over."""
        self.identity = identity
        settings = AzureBatchHook(self.conn_id).settings
        place = f"{self.work_container}/{identity.job_id}"
        self.job_url, self.output_url = store_links(context["ti"], settings, identity.job_id, place)
        remember(context, identity)

    @staticmethod
    def _has_succeeded(claim: Claim) -> bool:
        from airflow_batch_provider.client.jobs.claim import Found

        return claim.found is Found.SUCCEEDED

    def _options(self, pool_id: str | AutoPool) -> JobOptions:
        return spec.JobOptions(
            pool_id=pool_id,
            priority=self.priority,
            max_wall_clock=self.max_wall_clock,
            on_task_failure=self.on_task_failure,
            environment=as_texts(self.environment),
            max_parallel_tasks=self.max_parallel_tasks,
            metadata=as_texts(self.metadata),
            preparation=self.preparation,
            release=self.release,
            system=self.graph.system if isinstance(self.graph, spec.JobGraph) else "linux",
            max_task_retries=self.max_task_retries,
            allow_task_preemption=self.allow_task_preemption,
            display_name=self.display_name,
            network=self.network,
        )

    def _check(self) -> None:
        """What can be checked when the DAG is parsed; templates and XComs are checked when they are known."""
        self.check_arguments()
        check_graph(self.graph, self.graph_kwargs, f"task {self.task_id!r}")
        pool = known_pool(self.pool_id)
        mappings = (self.environment, self.metadata)
        templates = any(isinstance(each, str) for each in mappings)
        if not templates and not any(map(holds_xcoms, (*mappings, self.display_name))):
            self._options(pool)
        if isinstance(self.graph, spec.JobGraph) and not isinstance(pool, str):
            pool.check_fits(self.graph)
