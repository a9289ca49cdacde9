"""An operator that runs one command as a Batch task."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_batch_provider import spec
from airflow_batch_provider.arguments import PoolOfJob, holds_xcoms
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.spec.files import BlobRef

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.operators.job_arguments import JobArguments
    from airflow_batch_provider.spec.command import Command
    from airflow_batch_provider.spec.files import Inputs, Outputs, UploadWhen
    from airflow_batch_provider.spec.task_container import Container
    from airflow_batch_provider.spec.users import AutoUser

TASK_ID = "task"
"""Id of the one task in its job."""


class AzureBatchTaskOperator(AzureBatchJobOperator):
    """Run one command as a Batch task, in a job of its own, and wait for it.

    Everything holds that holds for :class:`AzureBatchJobOperator`: one job whatever is killed on the way, the
    output in the Airflow log, an explained failure, and what is returned; the parsed ``result`` is in
    ``["results"]["task"]``. Any part of the command and the files may be an XCom of another task or mapped.

    Parameters:
        pool_id: the pool that runs it, or an ``AutoPool``.
        command: text or a list of texts. No shell runs it; for pipes and variables use ``shell("...")``.
        inputs, outputs, upload_when, result, container, packages, user, required_slots, max_retries,
            retention, keep_logs: see :class:`~airflow_batch_provider.spec.task.TaskOptions`.
        kwargs: all else that :class:`AzureBatchJobOperator` takes, ``environment`` and ``max_wall_clock``
            among it.

    Raises:
        SpecError: the command, a file or an option cannot work; at DAG parse, as far as they are known then.
    """

    def __init__(
        self,
        *,
        pool_id: PoolOfJob,
        command: Command,
        inputs: Inputs | None = None,
        outputs: Outputs = (),
        upload_when: UploadWhen = "success",
        result: str | None = None,
        container: Container | None = None,
        packages: Sequence[str] = (),
        user: AutoUser | str | None = None,
        required_slots: int = 1,
        max_retries: int | None = None,
        retention: timedelta | None = None,
        keep_logs: bool = True,
        work_container: str = "batch-work",
        **kwargs: Unpack[JobArguments],
    ) -> None:
        options: dict[str, Any] = {
            "command": command,
            "inputs": inputs,
            "outputs": outputs,
            "upload_when": upload_when,
            "result": result,
            "container": container,
            "packages": packages,
            "user": user,
            "required_slots": required_slots,
            "max_retries": max_retries,
            "retention": retention,
            "keep_logs": keep_logs,
        }
        super().__init__(
            pool_id=pool_id, graph=one_task, graph_kwargs=options, work_container=work_container, **kwargs
        )
        if not holds_xcoms(options):
            one_task(**options)

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """As Airflow does, but always to text, and in blobs and containers too."""
        from airflow_batch_provider.rendering import text_renderer
        from airflow_batch_provider.spec.checks import rendered

        if isinstance(content, (str, BlobRef, spec.Container)):
            # What is mapped is in here: Airflow does not render it, since it may come from outside.
            known = seen_oids is not None and id(content) in seen_oids
            return content if known else rendered(content, text_renderer(self, context))
        return super().render_template(content, context, jinja_env, seen_oids)


def one_task(command: Command, **options: Any) -> spec.JobGraph:
    """A graph of one task.

    Raises:
        SpecError: what the service would refuse.
    """
    graph = spec.JobGraph()
    graph.task(TASK_ID, command, **options)
    return graph
