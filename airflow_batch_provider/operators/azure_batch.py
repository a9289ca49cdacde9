"""The official provider's operator by name and parameters, for DAGs that come from there."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from airflow.configuration import conf
from airflow.sdk import BaseOperator

from airflow_batch_provider.arguments import is_to_come
from airflow_batch_provider.exceptions import BatchJobFailedError, BatchJobTimeoutError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.hooks.killed import end_in_worker
from airflow_batch_provider.keyed_output import KeyedOutput
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.lineage import TellsLineage, lineage_of_wire
from airflow_batch_provider.links.job import AzureBatchJobLink, store_links
from airflow_batch_provider.masking import seal
from airflow_batch_provider.metrics import measure_for
from airflow_batch_provider.operators.official_arguments import CHECKS, FILES, MODELS, OF_JOB, OF_TASK
from airflow_batch_provider.operators.task_instance import done_before, identity_of, remember_done
from airflow_batch_provider.patience import left_by
from airflow_batch_provider.shared_arguments import CheckedArguments
from airflow_batch_provider.spec.checks import rendered
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.official import OfficialPool, OfficialTask
from airflow_batch_provider.spec.official_parts import check_command, wire_of

if TYPE_CHECKING:
    from airflow.sdk import Context
    from azure.batch import models as batch_models
    from typing_extensions import Unpack

    from airflow_batch_provider.client.tasks.single_task_run import SingleTaskRun
    from airflow_batch_provider.client.tasks.time_limits import TimeLimits
    from airflow_batch_provider.task_arguments import TaskArguments

__all__ = ["AzureBatchOperator"]


class AzureBatchOperator(CheckedArguments, KeyedOutput, TellsLineage, BaseOperator):
    """Run one Batch task, as the official operator of this name is told to.

    A DAG that uses ``airflow.providers.microsoft.azure.operators.batch.AzureBatchOperator`` runs with this
    one by a change of its import; the Airflow connection stays as it is. What is different:

    - it does not wait for all nodes of the pool to be idle: Batch starts the task on the first free slot;
    - it answers for its own task, whatever else is in the job, and says its output in the Airflow log;
    - a retry, and another run that names the same job and task, run anew instead of taking the result of a
      task that is there already; a worker or triggerer that dies leads to one task all the same;
    - a kill ends its task and no other, also while deferred; a timeout does too;
    - a job that it makes ends when its tasks are complete, so that none eats the account's quota.

    New DAGs are better off with :class:`~airflow_batch_provider.operators.job.AzureBatchJobOperator`.

    Returns (XCom): ``{"job_id", "pool_id", "task_id"}``.

    Parameters:
        batch_pool_id: the pool; made of the following if there is none of this id.
        batch_pool_vm_size, batch_pool_display_name, vm_publisher, vm_offer, vm_sku, vm_version,
            vm_node_agent_sku_id, use_latest_verified_vm_image_and_sku, sku_starts_with,
            target_dedicated_nodes, target_low_priority_nodes, enable_auto_scale, auto_scale_formula,
            batch_start_task: of a pool that is made.
        batch_job_id: the job; made if there is none of this id, and shared with whoever names it too. When
            it has ended, a job whose id begins so is taken.
        batch_job_display_name, batch_job_manager_task, batch_job_preparation_task, batch_job_release_task:
            of a job that is made.
        batch_task_id: id of the Batch task. When it is taken by another run or an earlier try, one that
            begins so is taken.
        batch_task_command_line, batch_task_display_name, batch_task_container_settings,
            batch_task_resource_files, batch_task_output_files, batch_task_user_identity: of the task, as
            models of ``azure.batch.models`` or as dictionaries with the names of the REST API. Jinja in files
            is rendered, and is not among the rendered fields: ``{{ var.value.signed_url }}`` keeps a
            signature out of the DAG.
        batch_max_retries: without effect, as in the official operator; say ``retries`` instead.
        azure_batch_conn_id: an Airflow connection of the official type ``azure_batch`` or of ``azurebatch``.
        timeout: minutes that the task may take once it runs. It is ended then.
        start_timeout: how long its start, so a free node, is waited for (an hour); the official operator
            waits without end. ``execution_timeout`` bounds the wait for start and end together.
        should_delete_job: delete the job afterwards, unless others' tasks are still in it.
        should_delete_pool: delete the pool afterwards, unless it runs others' tasks.
        poll_interval: longest time between two looks, in seconds.
        deferrable: wait in the triggerer; by default as ``[operators] default_deferrable`` says.

    Raises:
        SpecError: parameters that cannot work; at DAG parse.
    """

    template_fields: Sequence[str] = (
        "batch_pool_id",
        "batch_pool_vm_size",
        "batch_job_id",
        "batch_task_id",
        "batch_task_command_line",
        "azure_batch_conn_id",
        "batch_job_display_name",
        "batch_task_display_name",
    )
    operator_extra_links = (AzureBatchJobLink(),)
    ui_color = "#cfe8d8"
    checks = CHECKS

    def __init__(
        self,
        *,
        batch_pool_id: str,
        batch_pool_vm_size: str,
        batch_job_id: str,
        batch_task_command_line: str,
        batch_task_id: str,
        vm_node_agent_sku_id: str,
        vm_publisher: str | None = None,
        vm_offer: str | None = None,
        sku_starts_with: str | None = None,
        vm_sku: str | None = None,
        vm_version: str | None = None,
        batch_pool_display_name: str | None = None,
        batch_job_display_name: str | None = None,
        batch_job_manager_task: batch_models.BatchJobManagerTask | Mapping[str, Any] | None = None,
        batch_job_preparation_task: batch_models.BatchJobPreparationTask | Mapping[str, Any] | None = None,
        batch_job_release_task: batch_models.BatchJobReleaseTask | Mapping[str, Any] | None = None,
        batch_task_display_name: str | None = None,
        batch_task_container_settings: batch_models.BatchTaskContainerSettings
        | Mapping[str, Any]
        | None = None,
        batch_start_task: batch_models.BatchStartTask | Mapping[str, Any] | None = None,
        batch_max_retries: int = 3,
        batch_task_resource_files: Sequence[batch_models.ResourceFile | Mapping[str, Any]] | None = None,
        batch_task_output_files: Sequence[batch_models.OutputFile | Mapping[str, Any]] | None = None,
        batch_task_user_identity: batch_models.UserIdentity | Mapping[str, Any] | None = None,
        target_low_priority_nodes: int | None = None,
        target_dedicated_nodes: int | None = None,
        enable_auto_scale: bool = False,
        auto_scale_formula: str | None = None,
        azure_batch_conn_id: str = AzureBatchHook.default_conn_name,
        use_latest_verified_vm_image_and_sku: bool = False,
        timeout: int = 25,
        start_timeout: timedelta = timedelta(hours=1),
        should_delete_job: bool = False,
        should_delete_pool: bool = False,
        poll_interval: int = 30,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.batch_pool_id = batch_pool_id
        self.batch_pool_vm_size = batch_pool_vm_size
        self.batch_job_id = batch_job_id
        self.batch_task_id = batch_task_id
        self.batch_task_command_line = batch_task_command_line
        self.batch_pool_display_name = batch_pool_display_name
        self.batch_job_display_name = batch_job_display_name
        self.batch_job_manager_task = batch_job_manager_task
        self.batch_job_preparation_task = batch_job_preparation_task
        self.batch_job_release_task = batch_job_release_task
        self.batch_task_display_name = batch_task_display_name
        self.batch_task_container_settings = batch_task_container_settings
        self.batch_start_task = batch_start_task
        self.batch_max_retries = batch_max_retries
        self.batch_task_resource_files = batch_task_resource_files
        self.batch_task_output_files = batch_task_output_files
        self.batch_task_user_identity = batch_task_user_identity
        self.target_low_priority_nodes = target_low_priority_nodes
        self.target_dedicated_nodes = target_dedicated_nodes
        self.enable_auto_scale = enable_auto_scale
        self.auto_scale_formula = auto_scale_formula
        self.azure_batch_conn_id = azure_batch_conn_id
        self.use_latest_verified_vm_image_and_sku = use_latest_verified_vm_image_and_sku
        self.vm_publisher = vm_publisher
        self.vm_offer = vm_offer
        self.sku_starts_with = sku_starts_with
        self.vm_sku = vm_sku
        self.vm_version = vm_version
        self.vm_node_agent_sku_id = vm_node_agent_sku_id
        self.timeout = timeout
        self.start_timeout = start_timeout
        self.should_delete_job = should_delete_job
        self.should_delete_pool = should_delete_pool
        self.poll_interval = poll_interval
        self.deferrable = deferrable
        self.job_url: str | None = None
        self._mine: tuple[str, str, str] | None = None
        self._check()

    @lasting
    def execute(self, context: Context) -> dict[str, Any]:
        """Have pool, job and task, and wait for the task."""
        from airflow_batch_provider.triggers.task import AzureBatchTaskTrigger

        run = self._run(context)
        if done := done_before(context, identity_of(context, "")):
            self.log.info("Batch task %s of job %s did well in an earlier try", done[1], done[0])
            return self._clean_up(run, *done)
        run.ensure_pool(self._pool())
        claim = run.claim()
        watch = run.watch(claim)
        if self.deferrable:
            conn_id, owner, period = self.azure_batch_conn_id, run.task.owner, float(self.poll_interval)
            trigger = AzureBatchTaskTrigger.of(conn_id, watch, owner, period, seal(run.task))
            self.defer(trigger=trigger, method_name="resume")
        return self._finish(context, run, run.wait(watch))

    @lasting
    def resume(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Go on after the wait in the triggerer."""
        run = self._run(context)
        run.settle(str(event["job_id"]), str(event["task_id"]))
        return self._finish(context, run, event)

    def on_kill(self) -> None:
        """End the Batch task of this Airflow task and no other; its end is not waited for.

        A job that was made here ends when all tasks in it are complete, also if this one did not get into it.
        """
        if self._mine is None:
            return
        from airflow_batch_provider.client.tasks.single_task import leave_task

        script = leave_task(*self._mine, others=False)
        end_in_worker(self.azure_batch_conn_id, script, f"Batch task {self._mine[1]}", self.log)

    def _finish(self, context: Context, run: SingleTaskRun, event: Mapping[str, Any]) -> dict[str, Any]:
        job_id, task_id = str(event["job_id"]), str(event["task_id"])
        try:
            run.finish(event)
        except (BatchJobFailedError, BatchJobTimeoutError):
            self._clean_up(run, job_id, task_id)
            raise
        if self.should_delete_job or self.should_delete_pool:
            remember_done(context, identity_of(context, ""), job_id, task_id)
        return self._clean_up(run, job_id, task_id)

    def _clean_up(self, run: SingleTaskRun, job_id: str, task_id: str) -> dict[str, Any]:
        told = cast("OfficialTask", run.task).task
        self.lineage = lineage_of_wire(told.get("resourceFiles", ()), told.get("outputFiles", ()))
        run.clean_up(job_id, job=self.should_delete_job, pool=self.should_delete_pool)
        return {"job_id": job_id, "pool_id": self.batch_pool_id, "task_id": task_id}

    def _run(self, context: Context) -> SingleTaskRun:
        from airflow_batch_provider.client.tasks.single_task_run import SingleTaskRun

        hook = AzureBatchHook(self.azure_batch_conn_id)
        task = self._task(context)
        self._mine = (task.job_id, task.task_id, task.owner)  # An earlier try may have submitted it.

        def settle(job_id: str, task_id: str) -> None:
            """Know the task before it is asked for: for on_kill and for the link."""
            self._mine = (job_id, task_id, task.owner)
            self.job_url, _ = store_links(context["ti"], hook.settings, job_id)

        return SingleTaskRun(
            task,
            hook.batch_client(),
            self.log,
            settle,
            self._limits(),
            longest=float(self.poll_interval),
            measure=measure_for(context["ti"], self.batch_pool_id, part=True),
        )

    def _task(self, context: Context) -> OfficialTask:
        return OfficialTask(
            identity=identity_of(context, ""),
            job_id=self.batch_job_id,
            task_id=self.batch_task_id,
            pool_id=self.batch_pool_id,
            command=self.batch_task_command_line,
            timeout=timedelta(minutes=self.timeout),
            job=self._of_job(),
            task=self._of_task(context),
        )

    def _of_job(self) -> dict[str, Any]:
        """Further properties of a job that is made."""
        return self._wires(self.batch_job_display_name, OF_JOB)

    def _of_task(self, context: Context) -> dict[str, Any]:
        """Further properties of the task."""
        from airflow_batch_provider.rendering import text_renderer

        wires, render = self._wires(self.batch_task_display_name, OF_TASK), text_renderer(self, context)
        # Only these: braces in a command of the job's may be its own, and the official operator leaves them.
        return {name: rendered(wire, render) if name in FILES else wire for name, wire in wires.items()}

    def _wires(self, display_name: str | None, arguments: Mapping[str, str]) -> dict[str, Any]:
        wires = {model: self._wire(argument) for argument, model in arguments.items()}
        return {
            name: wire for name, wire in {"displayName": display_name, **wires}.items() if wire is not None
        }

    def _wire(self, argument: str) -> Any:
        where = f"task {self.task_id!r}, {argument}"
        return wire_of(getattr(self, argument), where=where, model=MODELS[argument])

    def _pool(self, pool_id: str | None = None) -> OfficialPool:
        vm_size = self.batch_pool_vm_size
        return OfficialPool(
            id=pool_id or self.batch_pool_id,
            vm_size=vm_size if isinstance(vm_size, str) else "standard_known_later",
            node_agent=self.vm_node_agent_sku_id,
            publisher=self.vm_publisher,
            offer=self.vm_offer,
            sku=self.vm_sku,
            version=self.vm_version,
            sku_prefix=self.sku_starts_with,
            latest=self.use_latest_verified_vm_image_and_sku,
            dedicated=self.target_dedicated_nodes,
            spot=self.target_low_priority_nodes,
            auto=self.enable_auto_scale,
            formula=self.auto_scale_formula,
            display_name=self.batch_pool_display_name,
            start_task=self._wire("batch_start_task"),
        )

    def _limits(self) -> TimeLimits:
        from airflow_batch_provider.client.tasks.time_limits import TimeLimits

        return TimeLimits(
            start=self.start_timeout,
            run=timedelta(minutes=self.timeout),
            whole=left_by(self.execution_timeout),
        )

    def _check(self) -> None:
        where = f"task {self.task_id!r}"
        self.check_arguments()
        in_container = self.batch_task_container_settings is not None
        check_command(self.batch_task_command_line, where, may_be_empty=in_container)
        self._pool("known-later" if is_to_come(self.batch_pool_id) else None)
        if self.batch_job_release_task and not self.batch_job_preparation_task:
            raise SpecError(
                "there is a batch_job_release_task and no batch_job_preparation_task",
                where=where,
                right="The service runs it only where a preparation task ran: add one.",
            )
        if self.batch_max_retries != 3:
            warnings.warn(
                f"batch_max_retries={self.batch_max_retries} of {where} has no effect, and had none in the "
                f"official operator. Write retries={self.batch_max_retries} for Airflow to retry.",
                UserWarning,
                stacklevel=4,
            )
