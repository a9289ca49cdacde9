"""Asking for the log files of a node. Source: *Compute Node - Upload Batch Service Logs*."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from batch_emulator.service.account import Account
from batch_emulator.service.entities import Json, Pool
from batch_emulator.service.error_kinds import OPERATION_INVALID_FOR_CURRENT_STATE, conflict, invalid
from batch_emulator.service.nodes.node_operations import find_node
from batch_emulator.service.pools.pools import find
from batch_emulator.service.spec_checks import required, without_nulls
from batch_emulator.service.state import State
from batch_emulator.service.times import parse_time

# Without a machine there are no files, and without contact they cannot be had.
_NO_FILES = ("creating", "preempted", "deallocating", "deallocated", "unknown")


@dataclass(frozen=True)
class LogRequest:
    """Which log files are to be uploaded where.

    :param directory: prefix of the blobs' names, without a slash at its end.
    :param start: files with a line from then on...
    :param end: ...until then are uploaded, whole.
    :param identity: resource id of the pool's identity to upload with; ``None`` if the URL says all.
    """

    pool_id: str
    node_id: str
    container_url: str = field(repr=False)
    directory: str
    start: datetime
    end: datetime
    identity: str | None = None


def request(state: State, pool_id: str, node_id: str, body: Json, request_id: str) -> LogRequest:
    """Check what is asked for.

    :param body: ``UploadBatchServiceLogsOptions``.
    :raises BatchError: ``PoolNotFound``, ``NodeNotFound``, ``InvalidPropertyValue``,
        ``OperationInvalidForCurrentState``.
    """
    pool, node = find(state, pool_id).pool, find_node(state, pool_id, node_id)
    body = without_nulls(body)
    url = str(required(body, "containerUrl"))
    if not _is_http(url):
        raise invalid("containerUrl", "", "It must be the URL of a container")
    start = parse_time(required(body, "startTime"))
    end = parse_time(body["endTime"]) if "endTime" in body else state.now
    if end < start:
        raise invalid("startTime", body["startTime"], "It is after endTime")
    if node.state in _NO_FILES:
        raise conflict(OPERATION_INVALID_FOR_CURRENT_STATE, f"The node is {node.state}")
    identity = (body.get("identityReference") or {}).get("resourceId")
    if identity is not None and identity.lower() not in _identities(pool):
        raise invalid("identityReference.resourceId", identity, "The pool has no such identity")
    directory = f"{_account_directory(state.account)}/{pool.id}/{node.id}/{request_id}"
    return LogRequest(pool.id, node.id, url, directory, start, end, identity)


def _identities(pool: Pool) -> set[str]:
    assigned = (pool.identity or {}).get("userAssignedIdentities") or ()
    return {str(item["resourceId"]).lower() for item in assigned}


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _account_directory(account: Account) -> str:
    """Recorded: the account's name and 16 hexadecimal digits, the same for all its nodes."""
    return f"{account.name}-{hashlib.sha256(account.resource_id.encode()).hexdigest()[:16]}"
