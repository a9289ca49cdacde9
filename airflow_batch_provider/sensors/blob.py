"""A sensor for blobs that have been written to their end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider import spec
from airflow_batch_provider.arguments import blobs_text, is_to_come
from airflow_batch_provider.sensors.base import AzureBatchSensor, BatchSensorArguments
from airflow_batch_provider.spec.files import BlobRef, HasUri

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_batch_provider.client.watching.conditions import BlobCondition


class AzureBlobSensor(AzureBatchSensor):
    """Waits until blobs are in the storage account of the connection and nobody writes to them any more.

    For a run per blob, an asset with :class:`~airflow_batch_provider.triggers.blob_events.BlobCreatedTrigger`
    needs no waiting task at all. Returns (XCom): ``["container/name", ...]``, sorted, 1,000 at most.

    Parameters:
        blobs: one blob, or by a trailing ``/`` all below a prefix, as ``spec.blob`` takes it, such as
            ``"incoming/2026/"`` or an asset; templated. ``*`` and ``?`` belong into ``pattern``.
        pattern: of the names below the prefix, with ``*``, ``**``, ``?``, ``[abc]``; templated.
        at_least: how many blobs there must be.
        settled_for: for how long none of them may have been changed, by the clock of the storage service.

    Further parameters: see :class:`~airflow_batch_provider.sensors.base.AzureBatchSensor`.
    """

    checks = kinds.extended(
        AzureBatchSensor.checks, pattern=kinds.pattern, at_least=kinds.at_least(1), settled_for=kinds.wait
    )
    template_fields: Sequence[str] = ("blobs", "pattern", "conn_id")

    def __init__(
        self,
        *,
        blobs: str | BlobRef | HasUri,
        pattern: str = "**",
        at_least: int = 1,
        settled_for: timedelta = timedelta(0),
        **kwargs: Unpack[BatchSensorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.blobs = blobs_text(blobs, f"task {self.task_id!r}")
        self.pattern = pattern
        self.at_least = at_least
        self.settled_for = settled_for
        self.check_arguments()
        if not is_to_come(self.blobs):
            self._ref()

    def condition(self) -> BlobCondition:
        """What is waited for.

        Raises:
            SpecError: the blobs are in another storage account than the connection's, or what has come out
                of a template cannot work.
        """
        from airflow_batch_provider.client.watching.conditions import BlobCondition
        from airflow_batch_provider.hooks.batch import AzureBatchHook

        ref = self._ref()
        if ref.account_url is not None and not AzureBatchHook(self.conn_id).storage().holds(ref):
            raise spec.SpecError(
                f"the blobs are in {ref.account_url}, not in the account of connection {self.conn_id!r}",
                where=f"task {self.task_id!r}",
                right="Use a connection that names that storage account.",
            )
        pattern = self.pattern if ref.is_prefix else ""
        settled = self.settled_for.total_seconds()
        return BlobCondition(ref.container, ref.name, pattern, self.at_least, settled)

    def _ref(self) -> BlobRef:
        where = f"task {self.task_id!r}"
        ref = spec.blob(blobs_text(self.blobs, where))
        for what, value, of_one in (("at_least", self.at_least, 1), ("pattern", self.pattern, "**")):
            if not ref.is_prefix and value != of_one:
                raise spec.SpecError(
                    f"blobs is the one blob {self.blobs!r}, and {what} is {value!r}",
                    where=where,
                    right=f"For all below a prefix end it with '/': {f'{self.blobs}/'!r}.",
                )
        return ref
