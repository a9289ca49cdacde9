"""The faults that hold now, and those that are asked for by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from batch_emulator.faults import Faults
from batch_emulator.faults.dice import Dice
from batch_emulator.faults.nodes import NodeFaults
from batch_emulator.faults.record import name_of
from batch_emulator.faults.requests import RequestFaults
from batch_emulator.runtime.engine import Engine
from batch_emulator.service.account import Quotas
from batch_emulator.service.entities import Node
from batch_emulator.service.error_kinds import NODE_STATE_UNUSABLE, OPERATION_NOT_VALID_ON_NODE, conflict
from batch_emulator.service.errors import BatchError
from batch_emulator.service.events import Event, NodeLost, NodePreempted
from batch_emulator.service.service import BatchService

__all__ = ["FaultControl"]

_DEFAULT_AWAY_SECONDS = 60.0


class FaultControl:
    """Sets faults everywhere they are injected.

    :param quotas: those that the account was started with.
    """

    def __init__(self, engine: Engine, nodes: NodeFaults, quotas: Quotas) -> None:
        self._engine = engine
        self._nodes = nodes
        self._quotas = quotas
        self.requests = RequestFaults()
        self.present = Faults()

    async def set(self, faults: Faults) -> None:
        """Let these faults, and no others, hold from now on; all counts begin at zero."""
        limits = {item.name: getattr(faults.quotas, item.name) for item in fields(faults.quotas)}
        quotas = replace(self._quotas, **{name: value for name, value in limits.items() if value is not None})

        def command(service: BatchService, now: datetime) -> None:
            service.set_quotas(quotas)
            service.set_capacity((limit.since(now) for limit in faults.capacity), now)

        await self._engine.execute(command)
        self.requests.set(faults)
        self._nodes.set(faults)
        self.present = faults

    def counts(self) -> dict[str, Any]:
        """Per rule, in its place: chances it had, and how often it struck."""
        return {
            "requests": [_count(dice) for dice in self.requests.dice],
            "nodes": [_count(dice) for dice in self._nodes.dice],
        }

    async def preempt(
        self, pool_id: str, node_id: str | None = None, *, count: int = 1, away: float = _DEFAULT_AWAY_SECONDS
    ) -> list[str]:
        """Take back the capacity of Spot nodes now.

        :param node_id: this one; else the ``count`` oldest that are not preempted.
        :param away: seconds until there is capacity again.
        :returns: ids of the nodes.
        :raises BatchError: the pool or node does not exist or is not such.
        """

        def may_be(node: Node) -> bool:
            return not node.is_dedicated and not node.leaving and node.state != "preempted"

        return await self._strike(
            pool_id, node_id, count, may_be, lambda pool, node: NodePreempted(pool, node, away)
        )

    async def lose(
        self,
        pool_id: str,
        node_id: str | None = None,
        *,
        count: int = 1,
        away: float | None = _DEFAULT_AWAY_SECONDS,
    ) -> list[str]:
        """Lose contact with nodes now.

        :param node_id: this one; else the ``count`` oldest that are up.
        :param away: seconds until the nodes are found again; ``None`` is never.
        :returns: ids of the nodes.
        :raises BatchError: the pool or node does not exist or is not such.
        """

        def may_be(node: Node) -> bool:
            return not node.leaving and node.state in ("idle", "running", "offline", "waitingforstarttask")

        return await self._strike(
            pool_id, node_id, count, may_be, lambda pool, node: NodeLost(pool, node, away)
        )

    def stop(self) -> None:
        """Nothing goes wrong any more."""
        self._nodes.stop()

    async def _strike(
        self,
        pool_id: str,
        node_id: str | None,
        count: int,
        may_be: Callable[[Node], bool],
        event: Callable[[str, str], Event],
    ) -> list[str]:
        def command(service: BatchService, now: datetime) -> list[str]:
            nodes = _chosen(service, pool_id, node_id, count, may_be)
            for node in nodes:
                service.handle(event(node.pool_id, node.id), now)
            return [node.id for node in nodes]

        return await self._engine.execute(command)


def _chosen(
    service: BatchService, pool_id: str, node_id: str | None, count: int, may_be: Callable[[Node], bool]
) -> list[Node]:
    if node_id is None:
        nodes = sorted(
            (node for node in service.nodes(pool_id) if may_be(node)), key=lambda node: node.number
        )
        return nodes[:count]
    node = service.node(pool_id, node_id)
    if not may_be(node):
        raise _not_possible(node)
    return [node]


def _not_possible(node: Node) -> BatchError:
    if node.is_dedicated and node.state in ("idle", "running", "offline"):
        return conflict(OPERATION_NOT_VALID_ON_NODE, "Only Spot nodes are preempted; this one is dedicated")
    return conflict(NODE_STATE_UNUSABLE, f"The node is {node.state}")


def _count(dice: Dice) -> dict[str, Any]:
    return {"fault": name_of(dice.rule), "chances": dice.chances, "struck": dice.struck}
