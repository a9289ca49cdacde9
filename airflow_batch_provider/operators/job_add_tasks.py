"""An operator that adds tasks to a job which somebody else made and keeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider import spec
from airflow_batch_provider.arguments import Text, given, text
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.hooks.killed import end_in_worker
from airflow_batch_provider.keyed_output import KeyedOutput
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.lineage import TellsLineage, lineage_of
from airflow_batch_provider.links.job import AzureBatchJobLink, AzureBatchOutputLink, store_links
from airflow_batch_provider.metrics import measure_for
from airflow_batch_provider.operators.graph_argument import check_graph, rendered_graph
from airflow_batch_provider.operators.task_instance import identity_of, try_of
from airflow_batch_provider.patience import patience_of
from airflow_batch_provider.shared_arguments import OF_TARGETS, CheckedArguments

if TYPE_CHECKING:
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.client.jobs.job_files import JobFiles
    from airflow_batch_provider.exceptions import BatchJobTimeoutError
    from airflow_batch_provider.spec.graph import JobGraph
    from airflow_batch_provider.task_arguments import TaskArguments


class AzureBatchJobAddTasksOperator(CheckedArguments, KeyedOutput, TellsLineage, BaseOperator):
    """Add tasks to a job that lives on, wait for these tasks, and answer for them alone.

    Each task is in the job once, by its id, whatever is killed on the way. Ids of one run must not be those
    of another: with a job that outlives a run put the run into them. A retry or a cleared task lets those
    run again that failed. What is killed ends its own tasks; the job goes on in any case.

    Returns (XCom): ``{"job_id", "tasks": {"total", "succeeded", "failed"}, "results": {task: result},
    "work"}``, as :class:`~airflow_batch_provider.operators.job.AzureBatchJobOperator` does.

    Parameters:
        job_id: the job.
        graph, graph_kwargs, work_container, conn_id, namespace: as for
            :class:`~airflow_batch_provider.operators.job.AzureBatchJobOperator`. The graph can have neither
            expansions nor a job manager.
        timeout: how long the tasks are waited for before they are ended; at the latest a minute before
            ``execution_timeout``.
        deferrable: wait in the triggerer instead of in a worker.
        poll_interval: longest time between two looks, in seconds.

    Raises:
        SpecError: the graph cannot work.
        BatchJobConflictError: the job has ended, or an id is taken by a task of another run.
        BatchJobFailedError: a task failed or can never run.
        BatchJobTimeoutError: the tasks took too long, and are being ended.
    """

    template_fields: Sequence[str] = ("job_id", "graph_kwargs", "work_container", "conn_id", "namespace")
    operator_extra_links = (AzureBatchJobLink(), AzureBatchOutputLink())
    ui_color = "#cfe8d8"
    checks = kinds.extended(OF_TARGETS, graph_kwargs=kinds.optional(kinds.mapping), timeout=kinds.wait)

    def __init__(
        self,
        *,
        job_id: Text,
        graph: JobGraph | Callable[..., JobGraph],
        graph_kwargs: Mapping[str, Any] | None = None,
        work_container: str = "batch-work",
        conn_id: str = AzureBatchHook.default_conn_name,
        namespace: str = "",
        timeout: timedelta = timedelta(hours=24),
        deferrable: bool = True,
        poll_interval: float = 15.0,
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.job_id = text(job_id)
        self.graph = graph
        self.graph_kwargs = graph_kwargs
        self.work_container = work_container
        self.conn_id = conn_id
        self.namespace = namespace
        self.timeout = timeout
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.added: list[str] = []
        self.job_url: str | None = None
        self.output_url: str | None = None
        self._owner = ""
        self.check_arguments()
        check_graph(graph, graph_kwargs, f"task {self.task_id!r}")
        if isinstance(graph, spec.JobGraph):
            self._check(graph)

    @lasting
    def execute(self, context: Context) -> dict[str, Any]:
        """Add the tasks, and wait for them."""
        from airflow_batch_provider.client.jobs.added_tasks import (
            AddedWatch,
            add_owned,
            waiting_of_added,
            watch_added,
        )
        from airflow_batch_provider.client.jobs.named import named
        from airflow_batch_provider.client.requests.drive import Driver, log_to
        from airflow_batch_provider.client.watching.looker import Looker
        from airflow_batch_provider.triggers.added_tasks import AzureBatchAddedTasksTrigger

        given(self.job_id, "job_id", self.task_id)
        self._show(context)
        client = AzureBatchHook(self.conn_id).batch_client()
        driver = Driver(client, log_to(self.log))
        graph = self._graph(context)
        self.added = [each.id for each in graph.specs]
        owner = self._owner = identity_of(context, self.namespace).owner
        with named(driver, f"Adding tasks to Batch job {self.job_id}", self.job_id):
            tasks = self._compiled(driver, graph)
            driver.run(add_owned(self.job_id, tasks, owner, again=try_of(context) > 1))
        self.log.info("%d task(s) are in Batch job %s", len(tasks), self.job_id)
        deadline = time.time() + patience_of(self.timeout, self.execution_timeout).total_seconds()
        if self.deferrable:
            trigger = AzureBatchAddedTasksTrigger(
                self.conn_id, self.job_id, self.added, deadline, self.poll_interval
            )
            self.defer(trigger=trigger, method_name="resume")
        look = Looker(driver, time.sleep, longest=self.poll_interval)
        watcher = Driver(client, log_to(self.log), look=look)
        watch, waiting = AddedWatch(self.job_id, self.added, deadline), waiting_of_added(self.job_id)
        ending = watcher.run(watch_added(watch, time.time, waiting=waiting))
        return self._finish(context, ending, str(waiting.reason or ""))

    @lasting
    def resume(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Go on after the wait in the triggerer."""
        self._show(context)
        # One that was fired by an earlier version has no reason.
        return self._finish(context, str(event["ending"]), str(event.get("reason") or ""))

    def on_kill(self) -> None:
        """End the tasks that this one has added, and no others; their end is not waited for."""
        if not self.added:
            return
        from airflow_batch_provider.client.jobs.added_tasks import terminate_added

        script = terminate_added(self.job_id, self.added, self._owner)
        end_in_worker(self.conn_id, script, f"What was added to Batch job {self.job_id}", self.log)

    def _show(self, context: Context) -> None:
        """Know the links; in each process, since Airflow asks the operator for them when it ends there."""
        settings = AzureBatchHook(self.conn_id).settings
        place = f"{self.work_container}/{self.job_id}"
        self.job_url, self.output_url = store_links(context["ti"], settings, self.job_id, place)

    def _finish(self, context: Context, ending: str, reason: str) -> dict[str, Any]:
        from airflow_batch_provider.client.jobs.added_tasks import read_added, terminate_added
        from airflow_batch_provider.client.jobs.outcome import Outcome
        from airflow_batch_provider.client.jobs.preparation import printed_by_preparation
        from airflow_batch_provider.client.jobs.report import report
        from airflow_batch_provider.client.requests.drive import Driver, log_to
        from airflow_batch_provider.client.requests.explained import explained
        from airflow_batch_provider.client.requests.job_requests import get_job
        from airflow_batch_provider.client.requests.meaning import Layer
        from airflow_batch_provider.client.tasks.idle_errors import unprepared_error
        from airflow_batch_provider.client.watching.streams import read_tail

        hook = AzureBatchHook(self.conn_id)
        driver = Driver(hook.batch_client(), log_to(self.log))
        graph = self._graph(context)
        self.lineage = lineage_of(graph, hook.settings.storage)
        measure = measure_for(context["ti"], part=True)
        with explained(f"Reading the outcome of tasks of Batch job {self.job_id}"):
            if ending == "unprepared":
                printed = driver.run(printed_by_preparation(self.job_id))
            if ending in ("stalled", "unprepared", "timeout"):
                stopped = driver.run(terminate_added(self.job_id, [each.id for each in graph.specs]))
                if ending == "timeout" and not stopped:  # All were done, which nobody has seen.
                    ending = "ended"
            if ending in ("unprepared", "timeout"):
                cause = Layer.WALL_CLOCK if ending == "timeout" else Layer.NODE_START
                measure(Outcome(self.job_id, driver.run(get_job(self.job_id)), cause=cause))
            if ending == "timeout":
                raise self._late_error(reason)
            if ending == "unprepared":
                ended = f"What was added to Batch job {self.job_id} is being ended"
                raise unprepared_error(self.job_id, ended, reason, printed)
            outcome = driver.run(read_added(self.job_id, graph))
            measure(outcome)
            if not outcome.succeeded:
                told = report(outcome, lambda each, stream: driver.run(read_tail(self.job_id, each, stream)))
                raise told.error(self.job_id)
        files = self._files(hook)
        tolerated = {view.id for view in outcome.tolerated}
        told_by = [each.id for each in graph.specs if each.result is not None and each.id not in tolerated]
        return {
            "job_id": self.job_id,
            "tasks": {
                "total": outcome.total,
                "succeeded": outcome.succeeded_tasks,
                "failed": len(tolerated),
            },
            "results": {each: files.result(graph, self.job_id, each, {}) for each in told_by}
            if files
            else {},
            "work": files.place(self.job_id) if files else None,
        }

    def _late_error(self, reason: str) -> BatchJobTimeoutError:
        from airflow_batch_provider.client.tasks.idle_errors import why_late
        from airflow_batch_provider.exceptions import BatchJobTimeoutError

        patience = patience_of(self.timeout, self.execution_timeout)
        limit = "timeout" if patience == self.timeout else "execution_timeout"
        within = f"{limit}={self.timeout}" if limit == "timeout" else f"the {patience} that {limit} leaves"
        return BatchJobTimeoutError(
            f"The tasks added to Batch job {self.job_id} were not done within {within} and are being ended.\n"
            + why_late(reason, limit)
        )

    def _compiled(self, driver: Any, graph: JobGraph) -> list[dict[str, Any]]:
        """The tasks in wire form, for a job that acts on failures or one that does not.

        :raises SpecError: the pool of the job can never run one.
        """
        from airflow_batch_provider.client.jobs.added_tasks import check_added
        from airflow_batch_provider.client.requests.job_requests import patiently
        from airflow_batch_provider.client.requests.steps import Call
        from airflow_batch_provider.spec.compile import compile_tasks

        select = {"select": ["id", "onTaskFailure", "poolInfo", "executionInfo"]}
        job = driver.run(patiently(Call("get_job", (self.job_id,), select)))
        files = self._files(AzureBatchHook(self.conn_id))
        driver.run(check_added(job, graph, files.node_identity if files else None))
        if files is not None:
            files.prepare()
        storage = files.of(self.job_id) if files is not None else None
        acts = job.get("onTaskFailure") == "performexitoptionsjobaction"
        return list(compile_tasks(graph, storage, fail_fast=acts))

    def _files(self, hook: AzureBatchHook) -> JobFiles | None:
        return hook.job_files(self.work_container, sas_lifetime=self.timeout + timedelta(hours=1))

    def _graph(self, context: Context) -> JobGraph:
        from airflow_batch_provider.rendering import text_renderer

        render = text_renderer(self, context)
        graph = rendered_graph(self.graph, self.graph_kwargs, render, f"task {self.task_id!r}")
        self._check(graph)
        return graph

    def _check(self, graph: JobGraph) -> None:
        where = f"task {self.task_id!r}"
        if graph.expansions:
            raise spec.SpecError(
                "the graph expands", where=where, right="Add further tasks by a further operator."
            )
        if any(each.job_manager is not None for each in graph.specs):
            raise spec.SpecError(
                "the graph has a job manager", where=where, right="It is created with its job; leave it out."
            )
