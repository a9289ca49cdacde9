"""Asking for a node's log files (Azure Batch: *Compute Node - Upload Batch Service Logs*)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service import BatchError
from batch_emulator.service.nodes.node_logs import LogRequest
from batch_emulator.service.times import format_time
from tests.batch_emulator.service.builders import a_pool
from tests.batch_emulator.service.world import START, World

URL = "https://account.blob.core.windows.net/logs?sig=s3cret"
BODY = {"containerUrl": URL, "startTime": format_time(START - timedelta(minutes=6))}
IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"


@pytest.fixture
def world() -> World:
    world = World()
    identity = {"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": IDENTITY}]}
    world.do("create_pool", a_pool("Pool", nodes=1), identity=identity)
    return world


def ask(world: World, **more: object) -> LogRequest:
    node = world.node_ids()[0]
    found: LogRequest = world.do("log_request", "pool", node, {**BODY, **more}, request_id="r")
    return found


def refusal(world: World, **more: object) -> tuple[str, int]:
    with pytest.raises(BatchError) as caught:
        ask(world, **more)
    return caught.value.code, caught.value.status


def test_the_directory_names_account_pool_node_and_request(world: World) -> None:
    request = ask(world)
    account, pool, node, last = request.directory.split("/")
    assert account.startswith("acct-")
    assert len(account) == len("acct-") + 16
    assert (pool, node, last) == ("Pool", world.node_ids()[0], "r")
    assert (request.start, request.end) == (START - timedelta(minutes=6), START)
    assert "s3cret" not in repr(request)


def test_an_end_may_be_given(world: World) -> None:
    assert ask(world, endTime=format_time(START + timedelta(days=1))).end == START + timedelta(days=1)
    early = format_time(START - timedelta(days=1))
    assert refusal(world, endTime=early) == ("InvalidPropertyValue", 400)


@pytest.mark.parametrize("url", ["container", "ftp://host/c", "https://", "http://[::1/c"])
def test_what_is_no_url_is_refused(world: World, url: str) -> None:
    assert refusal(world, containerUrl=url) == ("InvalidPropertyValue", 400)


def test_an_identity_must_be_the_pool_s(world: World) -> None:
    assert ask(world, identityReference={"resourceId": IDENTITY.upper()}).identity == IDENTITY.upper()
    assert refusal(world, identityReference={"resourceId": f"{IDENTITY}2"}) == ("InvalidPropertyValue", 400)


def test_a_node_without_a_machine_has_no_logs(world: World) -> None:
    world.do("deallocate_node", "pool", world.node_ids()[0])
    assert refusal(world) == ("OperationInvalidForCurrentState", 409)
