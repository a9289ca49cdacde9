"""What is asked of the account as a whole. Source: Azure Batch REST reference, *Account*."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.exchange import Call, Reply
from batch_emulator.rest.odata.filters import compile_filter
from batch_emulator.rest.odata.lists import IMAGES, NODE_COUNTS, USAGE
from batch_emulator.rest.paging import render_page, start_after
from batch_emulator.rest.query_values import query_time
from batch_emulator.rest.render.parts import present
from batch_emulator.service.entities import Json
from batch_emulator.service.pools.images import SUPPORTED_IMAGES, Image
from batch_emulator.service.pools.usage import PoolUsage
from batch_emulator.service.queries import PoolNodeCounts

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService


async def list_supported_images(call: Call, _backend: Backend) -> Reply:
    matches = compile_filter(call.query["$filter"], IMAGES) if "$filter" in call.query else None
    images = sorted(SUPPORTED_IMAGES, key=_image_key)
    return Reply(render_page(call, "supportedimages", images, _image_key, render_image, matches))


async def list_pool_node_counts(call: Call, backend: Backend) -> Reply:
    matches = compile_filter(call.query["$filter"], NODE_COUNTS) if "$filter" in call.query else None

    def query(service: BatchService, _now: datetime) -> Json:
        after = start_after(call.query) or ""
        counts = (_render_counts(counts) for counts in service.node_counts(after))
        return render_page(
            call, "poolnodecounts", counts, lambda item: str(item["poolId"]), lambda item: item, matches
        )

    return Reply(await backend.read(query))


async def list_pool_usage_metrics(call: Call, backend: Backend) -> Reply:
    matches = compile_filter(call.query["$filter"], USAGE) if "$filter" in call.query else None
    start, end = query_time(call.query, "startTime"), query_time(call.query, "endtime")

    def query(service: BatchService, now: datetime) -> Json:
        usage = service.usage_metrics(start, end, now)
        return render_page(call, "poolusagemetrics", usage, lambda item: item.key, _render_usage, matches)

    return Reply(await backend.read(query))


def _render_usage(usage: PoolUsage) -> Json:
    return present(
        {
            "poolId": usage.pool_id,
            "startTime": usage.start,
            "endTime": usage.end,
            "vmSize": usage.vm_size,
            "totalCoreHours": usage.core_hours,
        }
    )


def _render_counts(counts: PoolNodeCounts) -> Json:
    return {"poolId": counts.pool_id, "dedicated": counts.dedicated, "lowPriority": counts.low_priority}


def _image_key(image: Image) -> str:
    return "/".join((image.node_agent_sku_id, image.publisher, image.offer, image.sku))


def render_image(image: Image) -> Json:
    """The wire model BatchSupportedImage."""
    end_of_life = {"batchSupportEndOfLife": image.end_of_life} if image.end_of_life else {}
    return end_of_life | {
        "nodeAgentSKUId": image.node_agent_sku_id,
        "imageReference": {
            "publisher": image.publisher,
            "offer": image.offer,
            "sku": image.sku,
            "version": "latest",
        },
        "osType": image.os_type,
        "capabilities": list(image.capabilities),
        "verificationType": "verified" if image.verified else "unverified",
    }


HANDLERS = {
    "list_pool_usage_metrics": list_pool_usage_metrics,
    "list_supported_images": list_supported_images,
    "list_pool_node_counts": list_pool_node_counts,
}
