"""Comparing a pool with what there can be, before it is asked for: scripts, for both drivers.

What cannot be read is not compared: the service will say it itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.client.pools.account_limits import ask_limits, list_sizes
from airflow_batch_provider.client.pools.images import list_supported
from airflow_batch_provider.client.pools.pool_limits import (
    count_missing,
    find_excess_slots,
    find_pool_excess,
    find_shortages,
    image_end,
)
from airflow_batch_provider.client.pools.pools import PoolError
from airflow_batch_provider.client.pools.quotas import Limits, Quotas, count_up, nodes_of
from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.client.requests.steps import Refusal, Say, Script
from airflow_batch_provider.spec.explain import Explanation

if TYPE_CHECKING:
    from azure.mgmt.batch import BatchManagementClient


class PoolCheck:
    """The checks of one account.

    Parameters:
        settings: of the connection.
        open_client: gives the client of the management plane.
        way_out: how the service is asked all the same, told with what is found.
    """

    def __init__(
        self, settings: BatchSettings, open_client: Callable[[], BatchManagementClient], way_out: str = ""
    ) -> None:
        self._settings = settings
        self._open_client = open_client
        self._way_out = way_out

    def new_pool(self, wire: Mapping[str, Any], needed: int) -> Script[None]:
        """Before a pool is made.

        Parameters:
            wire: the wire model BatchPoolCreateOptions.
            needed: nodes without which the pool is of no use yet.

        Raises:
            PoolError: it cannot come up as declared, or not now.
        """
        name = f"Pool {wire['id']}"
        yield from self._image(wire, name)
        limits = yield from self._limits()
        if not limits.properties or (pools := (yield from _sizes())) is None:
            return
        quotas = count_up(self._settings.account_name, limits, pools)
        yield Say(str(quotas))
        if (excess := find_pool_excess(name, quotas.pools)) is not None:
            raise self._failure(excess, lasting=False)
        self._slots(wire, name, limits)
        yield from self._nodes(wire, name, str(wire["vmSize"]), quotas, limits, needed)

    def resize(self, pool_id: str, targets: Mapping[str, Any], needed: int) -> Script[None]:
        """Before a pool that is there gets another number of nodes.

        Parameters:
            pool_id: the pool.
            targets: of nodes, in the names of the wire model of a pool.
            needed: nodes without which the resize is of no use yet, those that are there included.

        Raises:
            PoolError: they cannot come, or not now.
        """
        pools = yield from _sizes()
        there = next((pool for pool in pools or () if pool["id"] == pool_id), None)
        if pools is None or there is None or not _grows(targets, nodes_of(there)):
            return
        limits = yield from self._limits()
        quotas = count_up(self._settings.account_name, limits, pools)
        size, nodes = str(there["vmSize"]), nodes_of(there)
        yield from self._nodes(targets, f"Pool {pool_id}", size, quotas, limits, needed, nodes)

    def auto_pool(self, wire: Mapping[str, Any], name: str) -> Script[None]:
        """Before a job with a pool of its own is submitted, or attached to.

        Only what can never come: what other pools use now tells nothing, since the pool may be there.

        Parameters:
            wire: of the pool.
            name: how it is told of.

        Raises:
            PoolError: it can never come up as declared.
        """
        yield from self._image(wire, name)
        limits = yield from self._limits()
        self._slots(wire, name, limits)
        quotas = count_up(self._settings.account_name, limits, ())
        yield from self._nodes(wire, name, str(wire["vmSize"]), quotas, limits, 0)

    def _limits(self) -> Script[Limits]:
        limits = ask_limits(self._settings, self._open_client)
        if not limits.properties:
            yield Say(limits.unknown)
        return limits

    def _image(self, wire: Mapping[str, Any], name: str) -> Script[None]:
        try:
            supported = yield from list_supported()
        except Refusal:
            return
        end = image_end(wire, supported, dt.datetime.now(dt.timezone.utc))
        if end is not None and end.past:
            raise self._failure(end.explain(name), layer=Layer.SUBMIT)
        if end is not None:
            yield Say(f"{name}: {end.notice}", "warning")

    def _slots(self, wire: Mapping[str, Any], name: str, limits: Limits) -> None:
        machine = limits.machines.get(str(wire["vmSize"]).lower())
        if machine and (excess := find_excess_slots(wire, name, machine)) is not None:
            raise self._failure(excess, layer=Layer.SUBMIT)

    def _nodes(
        self,
        targets: Mapping[str, Any],
        name: str,
        vm_size: str,
        quotas: Quotas,
        limits: Limits,
        needed: int,
        there: tuple[int, int] = (0, 0),
    ) -> Script[None]:
        if (machine := limits.machines.get(vm_size.lower())) is None:
            return
        shortages = list(find_shortages(targets, name, quotas, machine, there))
        for shortage in shortages:
            if shortage.lasting:
                raise self._failure(shortage.explanation)
        if shortages and sum(_targets(targets)) - count_missing(shortages) < needed:
            raise self._failure(shortages[0].explanation, lasting=False)
        for shortage in shortages:
            yield Say(str(shortage.explanation), "warning")

    def _failure(
        self, explanation: Explanation, *, lasting: bool = True, layer: Layer = Layer.QUOTA
    ) -> PoolError:
        if self._way_out:
            explanation = replace(explanation, next_step=f"{explanation.next_step} {self._way_out}")
        return PoolError(explanation, fatal=lasting, layer=layer.value)


def _sizes() -> Script[list[Any] | None]:
    try:
        return (yield from list_sizes())
    except Refusal as refusal:
        yield Say(f"The pools of the account were not compared with its quotas: {refusal}")
        return None


def _targets(wire: Mapping[str, Any]) -> tuple[int, int]:
    return int(wire.get("targetDedicatedNodes") or 0), int(wire.get("targetLowPriorityNodes") or 0)


def _grows(wire: Mapping[str, Any], there: tuple[int, int]) -> bool:
    return any(target > nodes for target, nodes in zip(_targets(wire), there, strict=True))
