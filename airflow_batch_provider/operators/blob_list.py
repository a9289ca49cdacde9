"""List blobs once, so that tasks can be made for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider import spec
from airflow_batch_provider.arguments import blobs_text, is_to_come
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.shared_arguments import OF_ALL, CheckedArguments
from airflow_batch_provider.typed_output import TypedOutput

if TYPE_CHECKING:
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.client.watching.subjects import BlobsSeen
    from airflow_batch_provider.spec.files import BlobRef
    from airflow_batch_provider.task_arguments import TaskArguments


class AzureBlobListOperator(CheckedArguments, TypedOutput, BaseOperator):
    """List the blobs below a prefix, for a graph with a task for each, or for a mapped operator.

    The list is made once and kept as an XCom. A function that listed blobs itself would make another graph
    when one comes in between two tries, and a job that runs could not be attached to.

    Returns (XCom): a list of ``{"url", "container", "name", "size"}`` in the order of the names, where
    ``blob(item["url"])`` refers to it. An empty list skips mapped tasks.

    Parameters:
        blobs: all below a prefix, as ``spec.blob`` takes it: ``"incoming/2026/"``; templated. ``*`` and ``?``
            belong into ``pattern``.
        pattern: of what follows the prefix in the names, with ``*``, ``**``, ``?``, ``[abc]``; templated.
        max_blobs: with more of them the task fails: the list goes through Airflow's database.
        conn_id: id of the Airflow connection, whose storage account it is.

    Raises:
        BatchRequestError: there is no such container, or storage refused.
        SpecError: no prefix, a pattern that cannot be read, or there are too many blobs.
    """

    checks = kinds.extended(OF_ALL, pattern=kinds.pattern, max_blobs=kinds.at_least(1))
    template_fields: Sequence[str] = ("blobs", "pattern", "conn_id")
    ui_color = "#d5e8f5"

    def __init__(
        self,
        *,
        blobs: str | BlobRef,
        pattern: str = "**",
        max_blobs: int = 10_000,
        conn_id: str = AzureBatchHook.default_conn_name,
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.blobs = blobs_text(blobs, f"task {self.task_id!r}")
        self.pattern = pattern
        self.max_blobs = max_blobs
        self.conn_id = conn_id
        self.check_arguments()
        if not is_to_come(blobs):
            self._prefix()

    @lasting
    def execute(self, context: Context) -> list[dict[str, Any]]:
        """List them."""
        prefix = self._prefix()
        storage = AzureBatchHook(self.conn_id).storage()
        if not storage.holds(prefix):
            raise spec.SpecError(
                f"the blobs are in {prefix.account_url}, not in the account of connection {self.conn_id!r}",
                where=f"task {self.task_id!r}",
                right="Use a connection that names that storage account.",
            )
        seen = self._list(storage, prefix)
        if seen.blobs is None:
            raise spec.SpecError(
                f"there is no container {prefix.container!r}",
                where=f"task {self.task_id!r}",
                right="Create it, or correct the name.",
            )
        if len(seen.blobs) > self.max_blobs:
            raise spec.SpecError(
                f"there are {len(seen.blobs):,} blobs at {prefix}{self.pattern}",
                where=f"task {self.task_id!r}",
                right=f"More than {self.max_blobs:,} are not listed; narrow the prefix, or raise max_blobs.",
            )
        self.log.info("%d blob(s) at %s%s", len(seen.blobs), prefix, self.pattern)
        return [
            {
                "url": storage.blob_url(prefix.container, blob.name),
                "container": prefix.container,
                "name": blob.name,
                "size": blob.size,
            }
            for blob in sorted(seen.blobs, key=lambda blob: blob.name)
        ]

    def _list(self, storage: Any, prefix: BlobRef) -> BlobsSeen:
        from airflow_batch_provider.client.requests.steps import Refusal
        from airflow_batch_provider.client.watching.conditions import BlobCondition, explain_refusal
        from airflow_batch_provider.exceptions import BatchRequestError

        looked_for = BlobCondition(prefix.container, prefix.name, self.pattern)
        try:
            return looked_for.subject.see(storage.blob_client())
        except Refusal as refusal:
            text = explain_refusal(refusal, looked_for)
            raise BatchRequestError(text, code=refusal.code, status=refusal.status) from None

    def _prefix(self) -> BlobRef:
        prefix = spec.blob(blobs_text(self.blobs, f"task {self.task_id!r}"))
        if not prefix.is_prefix:
            raise spec.SpecError(
                f"{self.blobs!r} is one blob",
                where=f"task {self.task_id!r}",
                right=f"End the prefix with '/': {self.blobs + '/'!r}.",
            )
        return prefix
