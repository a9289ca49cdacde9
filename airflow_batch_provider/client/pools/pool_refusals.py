"""Why the service refuses something about a pool: what happened, likely cause, next step."""

from __future__ import annotations

from airflow_batch_provider.client.requests.request_errors import request_error
from airflow_batch_provider.client.requests.service_errors import ACCESS_STATUS, explain_access
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.spec.explain import Explanation

_REFUSALS: dict[str, tuple[str, str]] = {
    "PoolQuotaReached": (
        "The Batch account has as many pools as its quota allows.",
        "Delete pools that are not used, let the task have retries, or ask for more quota (portal: Batch "
        "account, Quotas).",
    ),
    "PoolNotFound": (
        "Its id is misspelled, it is in another account, or it was deleted.",
        "Compare the pool's id with the portal; make it by AzureBatchPoolOperator earlier in the DAG.",
    ),
    "InvalidApplicationPackageReferences": (
        "An application package does not exist, is not active, or has no default version.",
        "Let an AzureBatchApplicationPackageOperator run before this task, and compare name and version.",
    ),
    "AutoScalingFormulaSyntaxError": (
        "The autoscale formula is wrong.",
        "Correct it at the place the message names.",
    ),
    "InvalidAutoScalingSettings": (
        "The autoscale formula or its interval is wrong.",
        "Correct what the message names.",
    ),
    "PoolBeingResized": (
        "The pool is still being resized, and its size can be changed only afterwards.",
        "Run the task again when the pool is steady; retries do that.",
    ),
    "OperationNotValidOnPool": (
        "A formula sets the pool's size.",
        "Stop it first, by AzureBatchPoolStopAutoScaleOperator, or change the formula.",
    ),
    "TooManyEnableAutoScaleRequests": (
        "The autoscale settings of a pool can be changed once in 30 seconds.",
        "Run the task again; retries do that.",
    ),
}
_PASSING = frozenset(
    {
        "PoolBeingCreated",
        "PoolBeingResized",
        "PoolNotFound",
        "PoolQuotaReached",
        "TooManyEnableAutoScaleRequests",
    }
)


def explain_refusal(refusal: Refusal, pool_id: str) -> tuple[Explanation, bool]:
    """What a refused request about a pool means.

    Returns:
        The explanation, and whether trying again without a change is pointless.
    """
    error = refusal.__cause__
    happened = f"Pool {pool_id}: {refusal.text} [{refusal.status} {refusal.code}]"
    if refusal.code in _REFUSALS:
        return Explanation(happened, *_REFUSALS[refusal.code]), refusal.code not in _PASSING
    if refusal.status == 400:
        step = "Correct what the message names."
        return Explanation(happened, "It was asked for a value the service refuses.", step), True
    fatal = not refusal.transient and refusal.status not in {0, 409, *ACCESS_STATUS}
    if error is not None and refusal.status != 409:
        where = "the connection's account URL"
        return explain_access(error, "Azure Batch", where, "of the connection"), fatal
    meaning = request_error(refusal.code)
    return Explanation(happened, meaning.cause, meaning.next_step), fatal
