"""What handlers of all families share: conditions before a change, version headers after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.exchange import Call, Reply, resource_headers, version_headers
from batch_emulator.rest.odata.selection import select, selected_names
from batch_emulator.service.entities import Json, Versioned

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService

Find = Callable[["BatchService"], Versioned]
Command = Callable[["BatchService", datetime], Any]


async def read_one(
    call: Call,
    backend: Backend,
    find: Find,
    model: str,
    render: Callable[[BatchService, Any, datetime], Json],
    metadata: str,
) -> Reply:
    """A resource, with its version, under the request's conditions.

    :param metadata: the fragment of ``odata.metadata``, such as ``pools/@Element``.
    """
    names = selected_names(call.query, model, call.contract)

    def query(service: BatchService, now: datetime) -> Reply:
        entity = find(service)
        call.conditions.check(entity.etag, entity.last_modified)
        body = {"odata.metadata": f"{call.base_url}/$metadata#{metadata}"}
        body |= select(render(service, entity, now), names)
        return Reply(body, version_headers(entity.etag, entity.last_modified))

    return await backend.read(query)


async def change(call: Call, backend: Backend, find: Find, command: Command) -> Reply:
    """A change of a resource under the request's conditions; answered with its new version."""

    def run(service: BatchService, now: datetime) -> Reply:
        before = find(service)
        call.conditions.check(before.etag, before.last_modified)
        command(service, now)
        after = find(service)
        url = f"{call.base_url}{call.raw_path}"
        return Reply(None, resource_headers(url) | version_headers(after.etag, after.last_modified))

    return await backend.execute(run)


async def remove(call: Call, backend: Backend, find: Find, command: Command) -> Reply:
    """The removal of a resource under the request's conditions. It has no version to answer with."""

    def run(service: BatchService, now: datetime) -> Reply:
        before = find(service)
        call.conditions.check(before.etag, before.last_modified)
        command(service, now)
        return Reply()

    return await backend.execute(run)


async def act(call: Call, backend: Backend, command: Command) -> Reply:
    """An action on something that has no version, such as a node: answered with its URL only."""
    await backend.execute(command)
    return Reply(None, resource_headers(f"{call.base_url}{call.raw_path}"))


def created(entity: Versioned, url: str) -> Reply:
    """The answer to a creation: headers only."""
    headers = resource_headers(url, created=True) | version_headers(entity.etag, entity.last_modified)
    return Reply(None, headers)
