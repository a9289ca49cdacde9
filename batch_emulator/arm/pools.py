"""Pools through the management plane, the only way to give one a managed identity.

Source: REST reference, *Pool* (management). They are the same pools as the data plane's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from batch_emulator.arm.exchange import ArmCall, ArmHandler, ArmReply
from batch_emulator.arm.pool_shape import changes_from_arm, from_arm, identity_from_arm, to_arm
from batch_emulator.rest.conditions import parse_conditions
from batch_emulator.rest.contract import load_contract
from batch_emulator.rest.errors import refusal
from batch_emulator.rest.validation import validate_body
from batch_emulator.service.entities import Json, Pool
from batch_emulator.service.error_kinds import POOL_BEING_RESIZED
from batch_emulator.service.errors import BatchError

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService


async def list_pools(call: ArmCall) -> ArmReply:
    for name in ("$select", "$filter"):
        if name in call.query:
            raise refusal("UnsupportedQueryParameter", QueryParameterName=name)

    def query(service: BatchService, _now: datetime) -> Json:
        return call.page(service.pools(), lambda pool: pool.id, lambda pool: _render(call, service, pool))

    return ArmReply(await call.backend.read(query))


async def get_pool(call: ArmCall) -> ArmReply:
    return await call.backend.read(lambda service, _now: _reply(call, service, service.pool(call["pool"])))


async def create_pool(call: ArmCall) -> ArmReply:
    """Creates; a pool that exists is refused rather than replaced (``If-None-Match: *`` says the same)."""
    identity = identity_from_arm(call.body.get("identity"))
    spec = from_arm(call["pool"], call.body.get("properties"))
    spec = validate_body(spec, "BatchPoolCreateOptions", load_contract())

    def run(service: BatchService, now: datetime) -> ArmReply:
        if call.headers.get("if-match"):
            _check_conditions(call, service.pool(call["pool"]))
        elif call.headers.get("if-none-match") and _exists(service, call["pool"]):
            raise refusal("ConditionNotMet")
        return _reply(call, service, service.create_pool(spec, now, identity=identity))

    return await call.backend.execute(run)


async def update_pool(call: ArmCall) -> ArmReply:
    """Changes what is given: properties as the data plane's patch does, and the scale."""
    if call.body.get("identity") is not None:
        reason = "The identities of a pool are given when it is created."
        raise refusal("UnsupportedProperty", PropertyName="identity", Reason=reason)
    changes, scale = changes_from_arm(call.body.get("properties"))
    patch = validate_body(changes, "BatchPoolUpdateOptions", load_contract())
    model = "BatchPoolEnableAutoScaleOptions" if "autoScaleFormula" in scale else "BatchPoolResizeOptions"
    scale = validate_body(scale, model, load_contract())

    def run(service: BatchService, now: datetime) -> ArmReply:
        pool = service.pool(call["pool"])
        _check_conditions(call, pool)
        if scale and pool.allocation_state != "steady":
            raise BatchError(POOL_BEING_RESIZED)
        if patch:
            service.patch_pool(pool.id, patch, now)
        _rescale(service, pool, scale, now)
        return _reply(call, service, service.pool(pool.id))

    return await call.backend.execute(run)


def _rescale(service: BatchService, pool: Pool, scale: Json, now: datetime) -> None:
    if "autoScaleFormula" in scale:
        service.enable_auto_scale(pool.id, scale, now)
    elif scale:
        if pool.spec.get("enableAutoScale"):
            service.disable_auto_scale(pool.id, now)
        service.resize_pool(pool.id, scale, now)


async def delete_pool(call: ArmCall) -> ArmReply:
    """Accepted at once; the client then asks ``Location`` until the pool is gone (204)."""

    def run(service: BatchService, now: datetime) -> ArmReply:
        if not _exists(service, call["pool"]):
            return ArmReply(status=204)
        service.delete_pool(call["pool"], now)
        version = call.query["api-version"]
        operation = f"{call.url}/operationresults/delete?api-version={version}"
        return ArmReply(headers={"Location": operation, "Retry-After": "1"})

    return await call.backend.execute(run)


async def get_delete_result(call: ArmCall) -> ArmReply:
    """202 while the pool is there, 204 once it is gone."""
    is_there = await call.backend.read(lambda service, _now: _exists(service, call["pool"]))
    if not is_there:
        return ArmReply(status=204)
    return ArmReply(status=202, headers={"Retry-After": "1"})


async def disable_pool_auto_scale(call: ArmCall) -> ArmReply:
    return await _act(call, lambda service, now: service.disable_auto_scale(call["pool"], now))


async def stop_pool_resize(call: ArmCall) -> ArmReply:
    return await _act(call, lambda service, now: service.stop_pool_resize(call["pool"], now))


async def _act(call: ArmCall, command: Callable[[BatchService, datetime], Any]) -> ArmReply:
    def run(service: BatchService, now: datetime) -> ArmReply:
        command(service, now)
        return _reply(call, service, service.pool(call["pool"]))

    return await call.backend.execute(run)


def _check_conditions(call: ArmCall, pool: Pool) -> None:
    parse_conditions(call.headers, is_read=False).check(pool.etag, pool.last_modified)


def _exists(service: BatchService, pool_id: str) -> bool:
    try:
        service.pool(pool_id)
    except BatchError:
        return False
    return True


def _reply(call: ArmCall, service: BatchService, pool: Pool) -> ArmReply:
    return ArmReply(_render(call, service, pool), {"ETag": f'W/"{pool.etag}"'})


def _render(call: ArmCall, service: BatchService, pool: Pool) -> Json:
    return to_arm(pool, service.pool_size(pool.id), call.account_id)


HANDLERS: dict[str, ArmHandler] = {
    "list_pools": list_pools,
    "get_pool": get_pool,
    "create_pool": create_pool,
    "update_pool": update_pool,
    "delete_pool": delete_pool,
    "get_delete_result": get_delete_result,
    "disable_pool_auto_scale": disable_pool_auto_scale,
    "stop_pool_resize": stop_pool_resize,
}
