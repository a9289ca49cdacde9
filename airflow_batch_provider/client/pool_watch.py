"""Watching a pool come up or go: what is asked of the service, and the text of what went wrong.

The synchronous and the asynchronous half ask the same and hand it to the same ``judge``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_batch_provider.client.pool_reading import (
    NODE_PROPERTIES,
    Observation,
    Verdict,
    WaitFor,
    judge,
)
from airflow_batch_provider.client.pool_views import NodeView, PoolView
from airflow_batch_provider.client.secret import strike_signatures
from airflow_batch_provider.client.service_errors import error_status, explain_access, is_transient
from airflow_batch_provider.spec.explain import Explanation

if TYPE_CHECKING:
    from azure.batch import BatchClient
    from azure.batch.aio import BatchClient as AsyncBatchClient

# Output of a failed start task that is shown: enough for its last lines.
TAIL_BYTES = 4000
_STREAMS = ("stdout.txt", "stderr.txt")
FIRST_PERIOD, LONGEST_PERIOD, PERIOD_GROWTH = 1.0, 30.0, 1.5


@dataclass(frozen=True)
class PoolWait:
    """What is waited for, and until when.

    Parameters:
        pool_id: the pool.
        wait_for: ``steady``, ``nodes`` or ``gone``; see ``judge``.
        min_nodes: nodes that must take tasks, for ``nodes``.
        deadline: seconds since the epoch at which the wait fails.
    """

    pool_id: str
    wait_for: WaitFor
    min_nodes: int
    deadline: float

    def judge(self, seen: Observation, now: float) -> Verdict:
        """Whether the wait is over, by what was seen or by the clock."""
        verdict = judge(seen, self.wait_for, self.min_nodes)
        if verdict.status != "wait" or now < self.deadline:
            return verdict
        return Verdict(
            "failed",
            Explanation(
                f"Pool {self.pool_id} was not ready in time: {seen.progress()}.",
                "Azure is slow to give nodes of this size, or the start task takes long.",
                "Raise wait_timeout of the operator, or look at the pool in the portal.",
            ),
        )


def periods() -> Iterator[float]:
    """Seconds between looks: short at first, since a pool that is there already needs one look only."""
    period = FIRST_PERIOD
    while True:
        yield period
        period = min(period * PERIOD_GROWTH, LONGEST_PERIOD)


def wait_for_pool(
    client: BatchClient,
    wait: PoolWait,
    log: Callable[[str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> Verdict:
    """Wait in this thread; the trigger does the same without one.

    Parameters:
        client: of the account.
        wait: what for.
        log: gets a line whenever something changed.
        sleep, clock: the time.
    """
    last = ""
    for period in periods():
        verdict, progress = look_at_pool(client, wait, clock=clock)
        if verdict.status != "wait":
            return verdict
        if progress not in ("", last):
            last = progress
            log(last)
        sleep(period)
    raise AssertionError("periods never end")


def look_at_pool(
    client: BatchClient, wait: PoolWait, *, clock: Callable[[], float] = time.time
) -> tuple[Verdict, str]:
    """One look, to see whether there is anything to wait for.

    Returns:
        The verdict, and how far the pool is; empty if the service gave no answer.
    """
    from azure.core.exceptions import AzureError

    try:
        seen = observe(client, wait.pool_id, wait.wait_for)
    except AzureError as error:
        if not is_transient(error) or clock() >= wait.deadline:
            return lost(error), ""
        return Verdict("wait"), ""
    verdict = wait.judge(seen, clock())
    node = verdict.broken_node if verdict.status != "wait" else None
    return with_output(
        verdict, start_task_output(client, wait.pool_id, node) if node else {}
    ), seen.progress()


def lost(error: BaseException) -> Verdict:
    """The verdict when the service cannot be asked any more."""
    explanation = explain_access(error, "Azure Batch", "the connection's account URL", "of the connection")
    return Verdict("failed", explanation, fatal=not is_transient(error))


def with_output(verdict: Verdict, output: dict[str, str]) -> Verdict:
    """Add what a start task printed to the explanation of its failure."""
    if verdict.explanation is None or not any(output.values()):
        return verdict
    shown = "\n".join(f"--- {name} of the start task (end)\n{text}" for name, text in output.items() if text)
    explanation = replace(verdict.explanation, next_step=f"{verdict.explanation.next_step}\n{shown}")
    return replace(verdict, explanation=explanation)


def observe(client: BatchClient, pool_id: str, wait_for: WaitFor) -> Observation:
    """Look at a pool, and at its nodes when they matter.

    Raises:
        azure.core.exceptions.AzureError: the service gave no answer, or refused.
    """
    from azure.core.exceptions import HttpResponseError

    try:
        pool = PoolView.read(client.get_pool(pool_id).as_dict())
        if wait_for != "nodes":
            return Observation(pool)
        nodes = client.list_nodes(pool_id, select=NODE_PROPERTIES)
        return Observation(pool, tuple(NodeView.read(node.as_dict()) for node in nodes))
    except HttpResponseError as error:
        if error_status(error) == 404:
            return Observation(None)
        raise


async def aobserve(client: AsyncBatchClient, pool_id: str, wait_for: WaitFor) -> Observation:
    """As ``observe``, without blocking the event loop."""
    from azure.core.exceptions import HttpResponseError

    try:
        pool = PoolView.read((await client.get_pool(pool_id)).as_dict())
        if wait_for != "nodes":
            return Observation(pool)
        nodes = [
            NodeView.read(node.as_dict()) async for node in client.list_nodes(pool_id, select=NODE_PROPERTIES)
        ]
        return Observation(pool, tuple(nodes))
    except HttpResponseError as error:
        if error_status(error) == 404:
            return Observation(None)
        raise


def start_task_output(client: BatchClient, pool_id: str, node_id: str) -> dict[str, str]:
    """The end of what a node's start task printed; without what cannot be read any more."""
    from azure.core.exceptions import AzureError

    output: dict[str, str] = {}
    for name in _STREAMS:
        path = f"startup/{name}"
        try:
            size = client.get_node_file_properties(pool_id, node_id, path).content_length
            if size:
                chunks = client.download_node_file(pool_id, node_id, path, ocp_range=_tail_range(size))
                output[name] = _text(b"".join(chunks))
        except AzureError:
            continue
    return output


async def astart_task_output(client: AsyncBatchClient, pool_id: str, node_id: str) -> dict[str, str]:
    """As ``start_task_output``, without blocking the event loop."""
    from azure.core.exceptions import AzureError

    output: dict[str, str] = {}
    for name in _STREAMS:
        path = f"startup/{name}"
        try:
            size = (await client.get_node_file_properties(pool_id, node_id, path)).content_length
            if size:
                chunks = await client.download_node_file(pool_id, node_id, path, ocp_range=_tail_range(size))
                output[name] = _text(b"".join([chunk async for chunk in chunks]))
        except AzureError:
            continue
    return output


def _tail_range(size: int) -> str:
    return f"bytes={max(0, size - TAIL_BYTES)}-{size - 1}"


def _text(data: bytes) -> str:
    return strike_signatures(data.decode("utf-8", errors="replace").strip())
