"""The operator behind ``@task.azure_batch``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from airflow.sdk.bases.decorator import DecoratedOperator

from airflow_batch_provider.arguments import PoolOfJob, known_pool, pool_of_job
from airflow_batch_provider.decorators.context_values import asked_names, plain_argument, shippable
from airflow_batch_provider.decorators.instances import (
    all_have_begun,
    comes_no_more,
    count_instances,
    give_up,
)
from airflow_batch_provider.decorators.returned_value import xcom_of
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.hooks.killed import end_in_worker
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.lineage import TellsLineage, lineage_of
from airflow_batch_provider.links.job import AzureBatchJobLink, AzureBatchOutputLink, store_links
from airflow_batch_provider.masking import seal
from airflow_batch_provider.metrics import measure_for
from airflow_batch_provider.patience import left_by
from airflow_batch_provider.rendering import text_renderer
from airflow_batch_provider.shared_arguments import OF_FUNCTIONS, check_fields, check_shared
from airflow_batch_provider.spec.checks import rendered
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef, Inputs, Render, is_template
from airflow_batch_provider.spec.function_source import check_function, check_names, function_source
from airflow_batch_provider.spec.function_task import FunctionTask, shared_identity
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.job import JobOptions
from airflow_batch_provider.spec.limits import DEFAULT_WALL_CLOCK
from airflow_batch_provider.spec.official import OWNER_VARIABLE
from airflow_batch_provider.spec.requirements import with_serializer
from airflow_batch_provider.spec.task_container import Container

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_batch_provider.client.files.function_files import FunctionCall
    from airflow_batch_provider.client.tasks.single_task_run import SingleTaskRun
    from airflow_batch_provider.client.tasks.time_limits import TimeLimits
    from airflow_batch_provider.spec.auto_pool import AutoPool

Serializer = Literal["pickle", "cloudpickle", "dill"]

XCOM_BYTES = 48_000
"""A result up to this size is the XCom itself."""

_GRACE = timedelta(minutes=30)
_TASK_GRACE = timedelta(minutes=5)
"""Beyond the timeout, after which the service itself ends a task that nobody watches any more."""


class AzureBatchDecoratedOperator(TellsLineage, DecoratedOperator):
    """Run a Python function on a Batch node. Made by ``azure_batch_task``, which tells the parameters.

    All instances of a mapped task share one Batch job, and each answers for its own task in it. A worker or
    triggerer that is killed at any moment leads to one Batch task per try: ids follow from the task instance,
    and whoever takes over finds what is there.
    """

    custom_operator_name: str = "@task.azure_batch"
    template_fields: Sequence[str] = (
        "op_args",
        "op_kwargs",
        "pool_id",
        "conn_id",
        "work_container",
        "requirements",
        "environment",
        "namespace",
    )
    operator_extra_links = (AzureBatchJobLink(), AzureBatchOutputLink())
    ui_color = "#cfe8d8"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        pool_id: PoolOfJob,
        requirements: Sequence[str] | None = None,
        python: str = "python3",
        python_version: str | None = None,
        container: Container | str | None = None,
        serializer: Serializer = "pickle",
        inputs: Inputs | None = None,
        environment: Mapping[str, str] | None = None,
        required_slots: int = 1,
        timeout: timedelta = DEFAULT_WALL_CLOCK,
        start_timeout: timedelta | None = None,
        max_wall_clock: timedelta = DEFAULT_WALL_CLOCK,
        priority: int = 0,
        xcom_bytes: int = XCOM_BYTES,
        work_container: str = "batch-work",
        conn_id: str = AzureBatchHook.default_conn_name,
        namespace: str = "",
        deferrable: bool = True,
        poll_interval: float = 15.0,
        **kwargs: Any,
    ) -> None:
        self.pool_id = cast("str | AutoPool", pool_id)
        self.requirements = requirements
        self.python = python
        self.python_version = python_version
        self.container = Container(container) if isinstance(container, str) else container
        self.serializer = serializer
        self.inputs = inputs
        self.environment = environment
        self.required_slots = required_slots
        self.timeout = timeout
        self.start_timeout = start_timeout
        self.max_wall_clock = max_wall_clock
        self.priority = priority
        self.xcom_bytes = xcom_bytes
        self.work_container = work_container
        self.conn_id = conn_id
        self.namespace = namespace
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.job_url: str | None = None
        self.output_url: str | None = None
        self._mine: tuple[str, str, str] | None = None
        self._shared = False
        super().__init__(python_callable=python_callable, **kwargs)
        self._check()

    @lasting
    def execute(self, context: Context) -> Any:
        """Submit the call, or find what an earlier try has submitted, and wait for it."""
        from airflow_batch_provider.triggers.task import AzureBatchTaskTrigger

        try:
            call = self._call(context)
            graph = self._graph({}, "", text_renderer(self, context), self.task_id)
            run = self._run(context, self._send(context, call))
            run.check_pool(graph)
            claim = run.claim()
        except Exception:
            self._give_up(context)
            raise
        watch = run.watch(claim)
        if self.deferrable:
            sealed = seal(call, *graph.specs, run.task)
            owner, period = run.task.owner, self.poll_interval
            trigger = AzureBatchTaskTrigger.of(self.conn_id, watch, owner, period, sealed)
            self.defer(trigger=trigger, method_name="resume")
        return self._finish(context, run, run.wait(watch))

    @lasting
    def resume(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Go on after the wait in the triggerer."""
        run = self._run(context, {})
        run.settle(str(event["job_id"]), str(event["task_id"]))
        return self._finish(context, run, event)

    def on_kill(self) -> None:
        """End the Batch task of this Airflow task and no other; its end is not waited for.

        A job that no other instance awaits a task in ends when all tasks in it are complete, also if this one
        did not get into it.
        """
        if self._mine is None:
            return
        from airflow_batch_provider.client.tasks.single_task import leave_task

        script = leave_task(*self._mine, others=self._shared)
        end_in_worker(self.conn_id, script, f"Batch task {self._mine[1]}", self.log)

    def _finish(self, context: Context, run: SingleTaskRun, event: Mapping[str, Any]) -> Any:
        """What the function returned; or raise what it raised."""
        from airflow_batch_provider.client.files.function_files import read_outcome
        from airflow_batch_provider.exceptions import BatchFunctionError, BatchJobFailedError

        job_id, task_id = str(event["job_id"]), str(event["task_id"])
        storage = AzureBatchHook(self.conn_id).storage()
        failure: BatchJobFailedError | None = None
        try:
            declared = self._graph({}, "", text_renderer(self, context), task_id)
            self.lineage = lineage_of(declared, storage.storage)
            run.finish(event)
        except BatchJobFailedError as error:
            failure = error
        finally:
            self._close(context, run, job_id)
        outcome = read_outcome(storage, self.work_container, job_id, task_id)
        if failure is not None and (outcome is None or outcome.returned):
            raise failure
        if outcome is None:
            raise BatchFunctionError(
                f"Batch task {task_id} of job {job_id} succeeded and left no outcome in "
                f"{self.work_container}.\nLikely cause: os._exit(0) by the function or a library has ended "
                "the process before it could return; or a clean-up of the container has deleted it.\n"
                "Next step: read what it printed last; let Airflow retry, or clear the task."
            )
        if not outcome.returned:
            raise outcome.error()
        return xcom_of(
            outcome,
            storage,
            self.work_container,
            xcom_bytes=self.xcom_bytes,
            multiple_outputs=self.multiple_outputs,
            log=self.log,
        )

    def _close(self, context: Context, run: SingleTaskRun, job_id: str) -> None:
        """Let the job end if no task will follow: an instance that failed early has put none into it.

        Whoever ends at the same time as another sees it run, and knows its task in the job.
        """
        if all_have_begun(context):
            run.let_end(job_id, lambda map_index: comes_no_more(context, map_index))

    def _give_up(self, context: Context) -> None:
        """Let the job of the others end if this instance fails before its task is in it; a further try uses
        the job while it lives, else another.

        It says so before it looks at the others: of several that fail at once, the last to look sees all.
        """
        try:
            run = self._run(context, {})  # What an earlier try has submitted is known from here on.
            if count_instances(context) < 2:
                return
            give_up(context)
            self._close(context, run, run.task.job_id)
        except Exception as error:  # what the task failed of is told, not this
            self.log.warning("Whether the Batch job may end now is not known: %s", error)

    def _call(self, context: Context) -> FunctionCall:
        from airflow_batch_provider.client.files.function_files import FunctionCall, check_serializer

        check_serializer(self.serializer, f"task {self.task_id!r}")
        return FunctionCall(
            source=function_source(self.python_callable),
            args=[plain_argument(value) for value in self.op_args],
            kwargs={
                name: plain_argument(value)
                for name, value in {**self._asked(context), **self.op_kwargs}.items()
            },
            serializer=self.serializer,
            requirements=with_serializer(self.requirements or (), self.serializer),
            python_version=self.python_version,
        )

    def _send(self, context: Context, call: FunctionCall) -> dict[str, Any]:
        from airflow_batch_provider.client.files.function_files import send_call

        identity = self._identity(context)
        folder = f"{shared_identity(identity).job_id}/calls/{identity.owner}"
        return dict(send_call(AzureBatchHook(self.conn_id).storage(), self.work_container, folder, call))

    def _asked(self, context: Context) -> dict[str, Any]:
        """The parts of Airflow's context that the function names among its parameters."""
        where, known = f"task {self.task_id!r}", cast("Mapping[str, Any]", context)
        names = asked_names(self.python_callable, self.op_args, self.op_kwargs, where)
        return {name: shippable(name, known[name], where) for name in names if name in known}

    def _run(self, context: Context, sources: Mapping[str, Any]) -> SingleTaskRun:
        from airflow_batch_provider.client.jobs.job_files import JobFiles
        from airflow_batch_provider.client.tasks.single_task_run import SingleTaskRun

        hook = AzureBatchHook(self.conn_id)
        options = hook.placed(self._options(self.pool_id).rendered(text_renderer(self, context)))
        lifetime, by_identity = self.max_wall_clock + _GRACE, options.auto_pool is None
        storage = hook.storage(sas_lifetime=lifetime, by_identity=by_identity)
        files = JobFiles(storage, self.work_container)
        identity = self._identity(context)
        task = FunctionTask(
            identity=identity,
            options=options,
            graph_of=partial(
                self._graph,
                sources,
                f"{identity.owner}-{identity.generation}",
                text_renderer(self, context),
            ),
            storage_of=files.of,
            instances=count_instances(context),
        )

        def know(job_id: str, task_id: str) -> None:
            self._mine, self._shared = (job_id, task_id, task.owner), bool(task.awaited(job_id))

        def settle(job_id: str, task_id: str) -> None:
            """Know the task before it is asked for: for on_kill and for the links."""
            know(job_id, task_id)
            place = f"{self.work_container}/{job_id}/{task_id}"
            self.job_url, self.output_url = store_links(context["ti"], hook.settings, job_id, place)

        if self._mine is None:
            know(task.job_id, task.task_id)
        measure = measure_for(context["ti"], options.pool_label, part=True)
        return SingleTaskRun(
            task,
            hook.batch_client(),
            self.log,
            settle,
            self._limits(),
            longest=self.poll_interval,
            files=files,
            measure=measure,
        )

    def _limits(self) -> TimeLimits:
        from airflow_batch_provider.client.tasks.time_limits import TimeLimits

        return TimeLimits(
            start=self.start_timeout or self.max_wall_clock,
            run=self.timeout,
            whole=left_by(self.execution_timeout),
            start_name="start_timeout" if self.start_timeout else "max_wall_clock",
        )

    def _graph(self, sources: Mapping[str, Any], owner: str, render: Render, task_id: str) -> JobGraph:
        from airflow_batch_provider.client.files.function_files import SCRIPT
        from airflow_batch_provider.node.run_function import OUTCOME, RESULT

        inputs = {
            path: source.rendered(render) if isinstance(source, BlobRef) else source
            for path, source in (self.inputs or {}).items()
        }
        graph = JobGraph()
        made = graph.task(
            task_id,
            [self.python, SCRIPT],
            inputs={**inputs, **sources},
            outputs=[OUTCOME, RESULT],
            upload_when="completion",
            environment={**(self.environment or {}), OWNER_VARIABLE: owner},
            required_slots=self.required_slots,
            max_wall_clock=self.timeout + _TASK_GRACE,
            container=rendered(self.container, render),
            max_retries=0,
        )
        return made.graph

    def _options(self, pool_id: str | AutoPool) -> JobOptions:
        return JobOptions(
            pool_id=pool_id,
            priority=self.priority,
            max_wall_clock=self.max_wall_clock,
            on_task_failure="continue",
        )

    def _identity(self, context: Context) -> JobIdentity:
        ti = context["ti"]
        map_index = getattr(ti, "map_index", None)
        return JobIdentity(
            ti.dag_id,
            ti.run_id,
            ti.task_id,
            -1 if map_index is None else map_index,
            int(getattr(ti, "max_tries", 0) or 0),
            namespace=self.namespace,
        )

    def _check(self) -> None:
        """What can be checked when the DAG is parsed."""
        where = f"task {self.task_id!r}"
        check_function(self.python_callable)
        asked_names(self.python_callable, self.op_args, self.op_kwargs, where)
        check_names(self.python_callable)
        check_fields(vars(self), self.template_fields, where)
        check_shared(vars(self), where, OF_FUNCTIONS)
        if self.container is not None and (self.requirements or self.python_version):
            raise SpecError(
                "there are a container and requirements or python_version",
                where=where,
                right="Have the packages in the image, or leave the container out.",
            )
        pool = known_pool(pool_of_job(self.pool_id, where))
        self._options(pool)
        if not is_template(str(self.environment)):
            graph = self._graph({}, "owner", lambda text: text, "function")
            if not isinstance(pool, str):
                pool.check_fits(graph)
