"""Compute nodes: commands and questions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from batch_emulator.service import queries
from batch_emulator.service.entities import Json, Node
from batch_emulator.service.facade.base import Commands
from batch_emulator.service.nodes import node_logs, node_operations, node_users
from batch_emulator.service.pools import pools


class NodeCommands(Commands):
    """Compute nodes of an account."""

    def reboot_node(self, pool_id: str, node_id: str, now: datetime, *, option: str | None = None) -> Node:
        return node_operations.reboot(self._at(now), pool_id, node_id, option or "requeue")

    def reimage_node(self, pool_id: str, node_id: str, now: datetime, *, option: str | None = None) -> Node:
        return node_operations.reimage(self._at(now), pool_id, node_id, option or "requeue")

    def deallocate_node(
        self, pool_id: str, node_id: str, now: datetime, *, option: str | None = None
    ) -> Node:
        return node_operations.deallocate(self._at(now), pool_id, node_id, option or "requeue")

    def start_node(self, pool_id: str, node_id: str, now: datetime) -> Node:
        return node_operations.start(self._at(now), pool_id, node_id)

    def disable_node_scheduling(
        self, pool_id: str, node_id: str, now: datetime, *, option: str | None = None
    ) -> Node:
        return node_operations.disable_scheduling(self._at(now), pool_id, node_id, option or "requeue")

    def enable_node_scheduling(self, pool_id: str, node_id: str, now: datetime) -> Node:
        return node_operations.enable_scheduling(self._at(now), pool_id, node_id)

    def create_node_user(self, pool_id: str, node_id: str, spec: Json, now: datetime) -> Node:
        return node_users.create(self._at(now), pool_id, node_id, spec)

    def replace_node_user(self, pool_id: str, node_id: str, name: str, spec: Json, now: datetime) -> Node:
        return node_users.replace(self._at(now), pool_id, node_id, name, spec)

    def delete_node_user(self, pool_id: str, node_id: str, name: str, now: datetime) -> Node:
        return node_users.delete(self._at(now), pool_id, node_id, name)

    def log_request(
        self, pool_id: str, node_id: str, spec: Json, now: datetime, *, request_id: str
    ) -> node_logs.LogRequest:
        """What a request for a node's log files asks for, checked."""
        return node_logs.request(self._at(now), pool_id, node_id, spec, request_id)

    def node(self, pool_id: str, node_id: str) -> Node:
        return node_operations.find_node(self._state, pool_id, node_id)

    def nodes(self, pool_id: str, after: str = "") -> Iterator[Node]:
        return pools.find(self._state, pool_id).nodes.after(after)

    def node_load(self, pool_id: str, node_id: str) -> queries.NodeLoad:
        return queries.node_load(self._state, self.node(pool_id, node_id))
