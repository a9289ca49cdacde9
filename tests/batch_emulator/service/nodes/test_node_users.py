"""User accounts on nodes (Azure Batch: *Compute Node - Add User*)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batch_emulator.service import BatchError
from batch_emulator.service.times import format_time
from tests.batch_emulator.service.builders import a_pool
from tests.batch_emulator.service.world import START, World


@pytest.fixture
def world() -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    return world


def ask(world: World, command: str, *args: object) -> None:
    world.do(command, "pool", world.node_ids()[0], *args)


def refusal(world: World, command: str, *args: object) -> tuple[str, int]:
    with pytest.raises(BatchError) as caught:
        ask(world, command, *args)
    return caught.value.code, caught.value.status


def users(world: World) -> dict[str, object]:
    node = world.service.node("pool", world.node_ids()[0])
    return dict(node.users)


def test_a_user_lasts_a_day_unless_told_otherwise(world: World) -> None:
    ask(world, "create_node_user", {"name": "Ann", "isAdmin": True, "password": "s3cret"})
    tomorrow = format_time(START + timedelta(days=1))
    assert users(world) == {"ann": {"name": "Ann", "isAdmin": True, "expiryTime": tomorrow}}
    assert not any("s3cret" in text for text in world.journal.values())
    assert refusal(world, "create_node_user", {"name": "ANN"}) == ("NodeUserExists", 409)
    world.advance(timedelta(days=1))
    ask(world, "create_node_user", {"name": "ann"})


def test_replacing_sets_an_expiry_time_left_out_to_the_default(world: World) -> None:
    late = format_time(START + timedelta(days=9))
    ask(world, "create_node_user", {"name": "ann", "isAdmin": True, "expiryTime": late})
    ask(world, "replace_node_user", "ANN", {"sshPublicKey": "ssh-rsa AAAA"})
    tomorrow = format_time(START + timedelta(days=1))
    assert users(world) == {"ann": {"name": "ann", "isAdmin": True, "expiryTime": tomorrow}}
    ask(world, "replace_node_user", "ann", {"expiryTime": late})
    ask(world, "delete_node_user", "ann")
    assert users(world) == {}


def test_users_survive_a_restart(world: World) -> None:
    ask(world, "create_node_user", {"name": "ann"})
    world.die()
    assert list(users(world)) == ["ann"]


def test_unknown_users(world: World) -> None:
    assert refusal(world, "replace_node_user", "ann", {"password": "x"}) == ("NodeUserNotFound", 404)
    assert refusal(world, "delete_node_user", "ann") == ("NodeUserNotFound", 404)
    ask(world, "create_node_user", {"name": "ann"})
    world.advance(timedelta(days=2))
    assert refusal(world, "delete_node_user", "ann") == ("NodeUserNotFound", 404)


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "x" * 21},
        {"name": "a/b"},
        {"name": "a\nb"},
        {"name": "ann", "expiryTime": "2026-03-02T07:00:00Z"},
    ],
)
def test_what_a_user_may_not_be(world: World, body: dict[str, object]) -> None:
    assert refusal(world, "create_node_user", body) == ("InvalidPropertyValue", 400)


def test_only_nodes_that_work_have_users() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1, startTask={"commandLine": "prepare"}))
    assert refusal(world, "create_node_user", {"name": "ann"}) == ("NodeBeingStarted", 409)
    assert refusal(world, "replace_node_user", "ann", {}) == ("NodeBeingStarted", 409)
    assert refusal(world, "delete_node_user", "ann") == ("NodeBeingStarted", 409)
