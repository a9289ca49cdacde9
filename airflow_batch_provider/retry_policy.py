"""Airflow's retries by where a failure lies. Needs Airflow 3.3, which has retry policies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.requests.meaning import LayerName, check_layers
from airflow_batch_provider.spec.checks import check_wait
from airflow_batch_provider.spec.errors import SpecError

if TYPE_CHECKING:
    from airflow.sdk import Context, RetryDecision, RetryPolicy
else:
    try:
        from airflow.sdk import RetryDecision, RetryPolicy
    except ImportError:  # before Airflow 3.3
        RetryDecision, RetryPolicy = None, object


class AzureBatchRetryPolicy(RetryPolicy):
    """Retry, or do not, by the layer of the error that a task of this provider failed with.

    Give it as ``retry_policy=`` to any operator of this provider. It bounds a task's ``retries`` and never
    goes beyond them. An error that cannot end otherwise, such as a program that does not exist, is never
    retried: Airflow does not ask a policy about it. Errors without a layer are retried as usual.

    Parameters:
        retry: layers to retry; when given, all others that are known fail at once.
        fail: layers that fail at once.
        delays: layer to time until the retry, instead of the task's own ``retry_delay``.

    Raises:
        SpecError: a word that is no layer, one that is in both, a delay that is no time, or an Airflow
            without retry policies. Layers: :class:`~airflow_batch_provider.client.requests.meaning.Layer`.
    """

    def __init__(
        self,
        *,
        retry: Collection[LayerName] | None = None,
        fail: Collection[LayerName] = (),
        delays: Mapping[LayerName, timedelta] | None = None,
    ) -> None:
        where = "AzureBatchRetryPolicy"
        if RetryDecision is None:
            raise SpecError(
                "this Airflow has no retry policies",
                where=where,
                right="They came with Airflow 3.3. Before, give the job operator no_retry_layers= or "
                "no_retry_exit_codes=.",
            )
        self.retry = None if retry is None else check_layers(retry, "retry", where)
        self.fail = check_layers(fail, "fail", where)
        if not isinstance(delays, (Mapping, type(None))):
            raise SpecError(
                f"delays is {delays!r}", where=where, right="Write {'quota': timedelta(minutes=5)}."
            )
        self.delays: dict[str, timedelta] = {layer: delay for layer, delay in (delays or {}).items()}
        check_layers(self.delays, "delays", where)
        for layer, delay in self.delays.items():
            check_wait(delay, what=f"delays of {layer!r}", where=where)
        if both := set(self.retry or ()) & set(self.fail):
            raise SpecError(
                f"{sorted(both)} are in retry and in fail", where=where, right="Leave them in one of the two."
            )

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide by the error's layer."""
        layer = str(getattr(exception, "layer", "") or "")
        if not layer:
            return RetryDecision.default()
        if layer in self.fail or (self.retry is not None and layer not in self.retry):
            return RetryDecision.fail(f"failures of layer {layer} are not retried")
        if self.retry is not None or layer in self.delays:
            return RetryDecision.retry(self.delays.get(layer), f"failures of layer {layer} are retried")
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        delays = {layer: delay.total_seconds() for layer, delay in self.delays.items()}
        retry = None if self.retry is None else list(self.retry)
        return {"retry": retry, "fail": list(self.fail), "delays": delays}

    @classmethod
    def deserialize(cls, data: Mapping[str, Any]) -> AzureBatchRetryPolicy:
        """The policy that ``serialize`` was called on."""
        delays = {layer: timedelta(seconds=seconds) for layer, seconds in data["delays"].items()}
        return cls(retry=data["retry"], fail=data["fail"], delays=delays)
