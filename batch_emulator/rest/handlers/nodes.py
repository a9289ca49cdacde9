"""Compute nodes. Source: Azure Batch REST reference, *Compute Node*."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.exchange import Call, Reply, resource_headers
from batch_emulator.rest.odata.filters import compile_filter
from batch_emulator.rest.odata.lists import NODES
from batch_emulator.rest.odata.selection import select, selected_names
from batch_emulator.rest.paging import render_page
from batch_emulator.rest.render.nodes import render_node
from batch_emulator.service.entities import Json, Node

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService

DEFAULT_OPTION = "requeue"


async def list_nodes(call: Call, backend: Backend) -> Reply:
    names = selected_names(call.query, "BatchNode", call.contract)
    matches = compile_filter(call.query["$filter"], NODES) if "$filter" in call.query else None

    def query(service: BatchService, _now: datetime) -> Json:
        def render(node: Node) -> Json:
            return select(_render(service, node, call.base_url), names)

        nodes = service.nodes(call["poolId"])
        return render_page(call, "nodes", nodes, lambda node: node.id, render, matches)

    return Reply(await backend.read(query))


async def get_node(call: Call, backend: Backend) -> Reply:
    names = selected_names(call.query, "BatchNode", call.contract)

    def query(service: BatchService, _now: datetime) -> Json:
        node = service.node(call["poolId"], call["nodeId"])
        body = {"odata.metadata": f"{call.base_url}/$metadata#nodes/@Element"}
        return body | select(_render(service, node, call.base_url), names)

    return Reply(await backend.read(query))


async def reboot_node(call: Call, backend: Backend) -> Reply:
    option = call.body.get("nodeRebootOption", DEFAULT_OPTION)
    return await _act(
        call, backend, lambda service, now: service.reboot_node(call["poolId"], call["nodeId"], option, now)
    )


async def reimage_node(call: Call, backend: Backend) -> Reply:
    option = call.body.get("nodeReimageOption", DEFAULT_OPTION)
    return await _act(
        call, backend, lambda service, now: service.reimage_node(call["poolId"], call["nodeId"], option, now)
    )


async def disable_node_scheduling(call: Call, backend: Backend) -> Reply:
    option = call.body.get("nodeDisableSchedulingOption", DEFAULT_OPTION)
    return await _act(
        call,
        backend,
        lambda service, now: service.disable_node_scheduling(call["poolId"], call["nodeId"], option, now),
    )


async def enable_node_scheduling(call: Call, backend: Backend) -> Reply:
    return await _act(
        call,
        backend,
        lambda service, now: service.enable_node_scheduling(call["poolId"], call["nodeId"], now),
    )


def _render(service: BatchService, node: Node, base_url: str) -> Json:
    pool = service.pool(node.pool_id)
    running, recent = service.node_tasks(node.pool_id, node.id)
    return render_node(node, pool, running, recent, base_url)


async def _act(call: Call, backend: Backend, command: Callable[[BatchService, datetime], Any]) -> Reply:
    """Node actions have no version to answer with."""
    await backend.execute(command)
    return Reply(None, resource_headers(f"{call.base_url}{call.raw_path}"))


HANDLERS = {
    "list_nodes": list_nodes,
    "get_node": get_node,
    "reboot_node": reboot_node,
    "reimage_node": reimage_node,
    "disable_node_scheduling": disable_node_scheduling,
    "enable_node_scheduling": enable_node_scheduling,
}
