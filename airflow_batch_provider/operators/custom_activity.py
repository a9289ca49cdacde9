"""A custom activity of Azure Data Factory or Synapse, run by Airflow as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.argument_checks import flag
from airflow_batch_provider.arguments import PoolOfJob
from airflow_batch_provider.exceptions import BatchJobFailedError, BatchJobTimeoutError, BatchRequestError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.lineage import lineage_of
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.task_instance import identity_of
from airflow_batch_provider.spec.activity_secrets import secrets_in
from airflow_batch_provider.spec.checks import rendered
from airflow_batch_provider.spec.custom_activity import CustomActivity, read_activity
from airflow_batch_provider.spec.errors import SpecError

if TYPE_CHECKING:
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.client.files.activity_files import ActivityFiles
    from airflow_batch_provider.client.jobs.claim import Claim
    from airflow_batch_provider.client.jobs.job_run import JobRun
    from airflow_batch_provider.operators.job_arguments import JobArguments
    from airflow_batch_provider.spec.files import BlobRef
    from airflow_batch_provider.spec.graph import JobGraph

__all__ = ["AzureBatchCustomActivityOperator"]

_SECONDS = 5.0
"""For each request when the task is killed: the worker is being stopped meanwhile."""


class AzureBatchCustomActivityOperator(AzureBatchJobOperator):
    """Run a custom activity of Data Factory by its JSON.

    The command finds what it finds under Data Factory: its program's files, ``activity.json``,
    ``linkedServices.json`` and ``datasets.json`` in its working directory. Those three are deleted from
    storage when the job has ended or is killed, since they may hold secrets; values of ``SecureString``, of
    names such as ``password`` and ``accountKey``, and those in connection strings are masked in the Airflow
    log. stdout and stderr are kept as they are below ``adfjobs/<job>/output``.

    The storage account is that of the Airflow connection, for the program too: it is named once.

    Returns (XCom): as :class:`AzureBatchJobOperator`, and ``{"exitcode": 0, "outputs": [URL of stdout, URL of
    stderr], "customOutput": what the command wrote to outputs.json, or None}``.

    Parameters:
        activity: the activity's JSON, as an object or as text, with ``typeProperties``. Jinja in it is
            rendered; expressions of Data Factory are refused.
        linked_services, datasets: definitions (JSON objects with ``name`` and ``properties``), of which those
            named in ``referenceObjects`` go to the node. Jinja in them is rendered in the worker alone: write
            secrets as ``{{ conn.my_id.password }}``.
        pool_id: the pool; by default ``poolName`` of the activity's Azure Batch linked service, if that is
            among ``linked_services``.
        keep_folders: keep the sub-folders of ``folderPath``; Data Factory puts all files into one.
        kwargs: as for :class:`AzureBatchJobOperator`. The activity's policy gives the defaults of
            ``retries``, ``retry_delay``, ``max_wall_clock`` and (``secureOutput``) ``log_tasks``.

    Raises:
        SpecError: the activity cannot run as it is; at DAG parse.
    """

    def __init__(
        self,
        *,
        activity: Mapping[str, Any] | str,
        linked_services: Sequence[Mapping[str, Any]] = (),
        datasets: Sequence[Mapping[str, Any]] = (),
        pool_id: PoolOfJob | None = None,
        keep_folders: bool = False,
        work_container: str = "adfjobs",
        **kwargs: Unpack[JobArguments],
    ) -> None:
        flag(keep_folders, "keep_folders", f"task {kwargs.get('task_id')!r}")
        read = read_activity(activity, linked_services, datasets)
        if (pool_id := pool_id or read.pool_id) is None:
            raise SpecError(
                "there is no pool_id",
                where=f"activity {read.definition.get('name', '')!r}",
                right="Give it, or the activity's Azure Batch linked service among linked_services.",
            )
        super().__init__(
            pool_id=pool_id,
            graph=read.graph({}),
            work_container=work_container,
            **{**_policy(read), **kwargs},
        )
        self.activity = activity
        self.linked_services = linked_services
        self.datasets = datasets
        self.keep_folders = keep_folders
        self._inputs: dict[str, BlobRef] = {}
        self._files_of_run: ActivityFiles | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Put the activity's definition into storage, and run it."""
        read, files = self._read(context), self._activity_files(context)
        program = files.program(read.folder, keep_folders=self.keep_folders) if read.folder else {}
        files.write(read.files())
        self._secrets_in = [str(files.definition(name)) for name in read.files()]
        self._inputs = {**program, **{name: files.definition(name) for name in read.files()}}
        return super().execute(context)

    def on_kill(self) -> None:
        """End the job, and delete the definition: nobody comes back to it."""
        super().on_kill()
        if self._files_of_run is None:
            return
        try:
            self._files_of_run.delete(retry_total=0, connection_timeout=_SECONDS, read_timeout=_SECONDS)
        except BatchRequestError as error:
            place = self._files_of_run.definition("")
            self.log.warning("The definition in %s may hold secrets, and is there still: %s", place, error)

    def _graph(self, render: Callable[[str], str]) -> JobGraph:
        """The job of one task; after a wait without its files, which were looked up before."""
        read = read_activity(self.activity, self.linked_services, self.datasets)
        graph = read.graph(self._inputs).rendered(render)
        graph.validate()
        return graph

    def _act(self, context: Context, run: JobRun, claim: Claim, event: Mapping[str, Any]) -> dict[str, Any]:
        self._read(context)  # before anything is told: this may be another process
        try:
            return super()._act(context, run, claim, event)
        except (BatchJobFailedError, BatchJobTimeoutError):
            self._activity_files(context).delete()
            raise

    def _finish(self, context: Context, run: JobRun, claim: Claim) -> dict[str, Any]:
        files = self._activity_files(context)
        try:
            summary = super()._finish(context, run, claim)
        finally:
            files.delete()
        return {
            **summary,
            "exitcode": 0,
            "outputs": files.streams(claim.job_id),
            "customOutput": files.custom_output(claim.job_id),
        }

    def _know_lineage(self, context: Context, run: JobRun, claim: Claim) -> None:
        """Its program only: after a wait the files of that are not looked up again."""
        read = self._read(context)
        program = read.graph({".": read.folder} if read.folder else {})
        self.lineage = lineage_of(program, AzureBatchHook(self.conn_id).settings.storage)

    def _read(self, context: Context) -> CustomActivity:
        """The activity as the node gets it; its secrets are known to the log masker from here on."""
        from airflow.sdk.log import mask_secret

        from airflow_batch_provider.rendering import text_renderer

        given = (self.activity, list(self.linked_services), list(self.datasets))
        read = read_activity(*rendered(given, text_renderer(self, context)))
        for secret in secrets_in(read.given):
            mask_secret(secret)
        return read

    def _activity_files(self, context: Context) -> ActivityFiles:
        from airflow_batch_provider.client.files.activity_files import ActivityFiles

        identity = identity_of(context, self.namespace)
        run = f"{identity.owner}-{identity.generation}"
        storage = AzureBatchHook(self.conn_id).storage()
        self._files_of_run = ActivityFiles(storage, self.work_container, run)
        return self._files_of_run


def _policy(read: CustomActivity) -> dict[str, Any]:
    """What the activity's policy says, in the words of Airflow and of the operator."""
    said = {
        "retries": read.retries,
        "retry_delay": read.retry_delay,
        "max_wall_clock": read.timeout,
        "log_tasks": False if read.secure_output else None,
    }
    return {name: value for name, value in said.items() if value is not None}
