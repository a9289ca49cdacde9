"""Compute nodes. Source: Azure Batch REST reference, *Compute Node*."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.exchange import Call, Reply
from batch_emulator.rest.handlers.common import act
from batch_emulator.rest.odata.filters import compile_filter
from batch_emulator.rest.odata.lists import NODES
from batch_emulator.rest.odata.selection import select, selected_names
from batch_emulator.rest.paging import render_page, start_after
from batch_emulator.rest.render.nodes import render_node
from batch_emulator.service.entities import Json, Node, Subtask, Task
from batch_emulator.service.error_kinds import OPERATION_NOT_VALID_ON_NODE, conflict
from batch_emulator.service.errors import BatchError
from batch_emulator.service.pools.pool_assumptions import LAST_VERSION_WITHOUT_REIMAGE

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService


async def list_nodes(call: Call, backend: Backend) -> Reply:
    names = selected_names(call.query, "BatchNode", call.contract)
    matches = compile_filter(call.query["$filter"], NODES) if "$filter" in call.query else None

    def query(service: BatchService, _now: datetime) -> Json:
        def render(node: Node) -> Json:
            return select(_render(service, node, call.base_url), names)

        nodes = service.nodes(call["poolId"], start_after(call.query) or "")
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
    option = call.body.get("nodeRebootOption")
    return await act(
        call,
        backend,
        lambda service, now: service.reboot_node(call["poolId"], call["nodeId"], now, option=option),
    )


async def reimage_node(call: Call, backend: Backend) -> Reply:
    option = call.body.get("nodeReimageOption")

    def command(service: BatchService, now: datetime) -> None:
        service.node(call["poolId"], call["nodeId"])
        if call.contract.version <= LAST_VERSION_WITHOUT_REIMAGE:
            raise conflict(
                OPERATION_NOT_VALID_ON_NODE,
                "In this api-version nodes of pools with virtualMachineConfiguration are not reimaged",
            )
        service.reimage_node(call["poolId"], call["nodeId"], now, option=option)

    return await act(call, backend, command)


async def deallocate_node(call: Call, backend: Backend) -> Reply:
    option = call.body.get("nodeDeallocateOption")
    return await act(
        call,
        backend,
        lambda service, now: service.deallocate_node(call["poolId"], call["nodeId"], now, option=option),
    )


async def start_node(call: Call, backend: Backend) -> Reply:
    return await act(
        call, backend, lambda service, now: service.start_node(call["poolId"], call["nodeId"], now)
    )


async def disable_node_scheduling(call: Call, backend: Backend) -> Reply:
    option = call.body.get("nodeDisableSchedulingOption")
    return await act(
        call,
        backend,
        lambda service, now: service.disable_node_scheduling(
            call["poolId"], call["nodeId"], now, option=option
        ),
    )


async def enable_node_scheduling(call: Call, backend: Backend) -> Reply:
    return await act(
        call,
        backend,
        lambda service, now: service.enable_node_scheduling(call["poolId"], call["nodeId"], now),
    )


def _render(service: BatchService, node: Node, base_url: str) -> Json:
    pool = service.pool(node.pool_id)
    load = service.node_load(node.pool_id, node.id)
    return render_node(node, pool, load, _recent_tasks(service, node), base_url)


def _recent_tasks(service: BatchService, node: Node) -> Iterator[tuple[Task, Subtask | None]]:
    """The tasks that ran on a node lately and still exist; of a subtask what is known after a requeue."""
    for job_id, task_id, *number in node.recent_tasks:
        with contextlib.suppress(BatchError):
            task = service.task(job_id, task_id)
            if not number:
                yield task, None
            for subtask in service.subtasks(job_id, task_id) if number else ():
                if subtask.number == number[0] and subtask.node_id == node.id:
                    yield task, subtask


HANDLERS = {
    "list_nodes": list_nodes,
    "get_node": get_node,
    "reboot_node": reboot_node,
    "reimage_node": reimage_node,
    "deallocate_node": deallocate_node,
    "start_node": start_node,
    "disable_node_scheduling": disable_node_scheduling,
    "enable_node_scheduling": enable_node_scheduling,
}
