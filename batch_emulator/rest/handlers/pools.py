"""Pools. Source: Azure Batch REST reference, *Pool*."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.exchange import Call, Reply, resource_headers
from batch_emulator.rest.handlers.common import change, created, read_one, remove
from batch_emulator.rest.odata.filters import compile_filter
from batch_emulator.rest.odata.lists import POOLS
from batch_emulator.rest.odata.selection import select, selected_names, wants_statistics
from batch_emulator.rest.paging import render_page, start_after
from batch_emulator.rest.render.pools import render_pool, render_statistics
from batch_emulator.service.entities import Json, Pool

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService

AUTO_SCALE_RUN = "Microsoft.Azure.Batch.Protocol.Entities.AutoScaleRun"


async def create_pool(call: Call, backend: Backend) -> Reply:
    pool = await backend.execute(lambda service, now: service.create_pool(call.body, now))
    return created(pool, call.url("pools", pool.id))


async def list_pools(call: Call, backend: Backend) -> Reply:
    names = selected_names(call.query, "BatchPool", call.contract)
    matches = compile_filter(call.query["$filter"], POOLS) if "$filter" in call.query else None

    with_statistics = wants_statistics(call.query)

    def query(service: BatchService, now: datetime) -> Json:
        core_times = service.dedicated_core_times(now) if with_statistics else {}

        def render(pool: Pool) -> Json:
            body = render_pool(pool, service.pool_size(pool.id), call.base_url)
            if with_statistics:
                body["stats"] = render_statistics(pool, core_times[pool.id.lower()], now, call.base_url)
            return select(body, names)

        return render_page(
            call, "pools", service.pools(start_after(call.query) or ""), lambda pool: pool.id, render, matches
        )

    return Reply(await backend.read(query))


async def get_pool(call: Call, backend: Backend) -> Reply:
    def render(service: BatchService, pool: Pool, now: datetime) -> Json:
        body = render_pool(pool, service.pool_size(pool.id), call.base_url)
        if wants_statistics(call.query):
            core_time = service.dedicated_core_times(now).get(pool.id.lower(), timedelta(0))
            body["stats"] = render_statistics(pool, core_time, now, call.base_url)
        return body

    return await read_one(call, backend, _find(call), "BatchPool", render, "pools/@Element")


async def pool_exists(call: Call, backend: Backend) -> Reply:
    return Reply(None, (await get_pool(call, backend)).headers)


async def delete_pool(call: Call, backend: Backend) -> Reply:
    return await remove(
        call, backend, _find(call), lambda service, now: service.delete_pool(call["poolId"], now)
    )


async def update_pool(call: Call, backend: Backend) -> Reply:
    return await _change(
        call, backend, lambda service, now: service.patch_pool(call["poolId"], call.body, now)
    )


async def replace_pool_properties(call: Call, backend: Backend) -> Reply:
    return await _change(
        call, backend, lambda service, now: service.replace_pool_properties(call["poolId"], call.body, now)
    )


async def resize_pool(call: Call, backend: Backend) -> Reply:
    return await _change(
        call, backend, lambda service, now: service.resize_pool(call["poolId"], call.body, now)
    )


async def stop_pool_resize(call: Call, backend: Backend) -> Reply:
    return await _change(call, backend, lambda service, now: service.stop_pool_resize(call["poolId"], now))


async def remove_nodes(call: Call, backend: Backend) -> Reply:
    return await _change(
        call, backend, lambda service, now: service.remove_nodes(call["poolId"], call.body, now)
    )


async def enable_pool_auto_scale(call: Call, backend: Backend) -> Reply:
    return await _change(
        call, backend, lambda service, now: service.enable_auto_scale(call["poolId"], call.body, now)
    )


async def disable_pool_auto_scale(call: Call, backend: Backend) -> Reply:
    return await _change(call, backend, lambda service, now: service.disable_auto_scale(call["poolId"], now))


async def evaluate_pool_auto_scale(call: Call, backend: Backend) -> Reply:
    """Evaluates only. Recorded: the answer has no version of the pool."""
    formula = call.body["autoScaleFormula"]
    run = await backend.execute(
        lambda service, now: service.evaluate_auto_scale(call["poolId"], formula, now)
    )
    body = {"odata.metadata": f"{call.base_url}/$metadata#{AUTO_SCALE_RUN}"} | run
    return Reply(body, resource_headers(f"{call.base_url}{call.raw_path}"))


def _find(call: Call) -> Callable[[BatchService], Pool]:
    return lambda service: service.pool(call["poolId"])


async def _change(call: Call, backend: Backend, command: Callable[[BatchService, datetime], Any]) -> Reply:
    return await change(call, backend, _find(call), command)


HANDLERS = {
    "create_pool": create_pool,
    "list_pools": list_pools,
    "get_pool": get_pool,
    "pool_exists": pool_exists,
    "delete_pool": delete_pool,
    "update_pool": update_pool,
    "replace_pool_properties": replace_pool_properties,
    "resize_pool": resize_pool,
    "stop_pool_resize": stop_pool_resize,
    "remove_nodes": remove_nodes,
    "enable_pool_auto_scale": enable_pool_auto_scale,
    "disable_pool_auto_scale": disable_pool_auto_scale,
    "evaluate_pool_auto_scale": evaluate_pool_auto_scale,
}
