"""The small parts on which the rules stand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_emulator.service import BatchError
from batch_emulator.service.ids import integer_of, job_root, task_root
from batch_emulator.service.index import OrderedIndex
from batch_emulator.service.pools.images import SUPPORTED_IMAGES, find_image
from batch_emulator.service.pools.vm_sizes import vm_size
from batch_emulator.service.scheduling.slots import SlotTable
from batch_emulator.service.spec_checks import check_output_files, check_resource_files, user_identity
from batch_emulator.service.timers import Timers
from batch_emulator.service.transitions import TABLES, InvalidTransition
from tests.batch_emulator.service.builders import a_job, a_pool
from tests.batch_emulator.service.world import START, World


@pytest.mark.parametrize(
    ("name", "cores"),
    [
        ("STANDARD_D2S_V3", 2),
        ("standard_d2_v2", 2),
        ("STANDARD_D3_V2", 4),
        ("Standard_A1_v2", 1),
        ("Standard_F16s_v2", 16),
        ("Standard_E64-16s_v5", 16),
        ("Standard_D8ds_v5", 8),
        ("Standard_NC24rs_v3", 24),
        ("Standard_HB120rs_v3", 120),
        ("BASIC_A2", 2),
        ("Standard_DS2_v2_Promo", 2),
        ("Standard_NV6ads_A10_v5", 6),
    ],
)
def test_cores_of_virtual_machine_sizes(name: str, cores: int) -> None:
    size = vm_size(name)
    assert size is not None
    assert size.cores == cores


@pytest.mark.parametrize(
    "name",
    [
        "",
        "HUGE",
        "STANDARD_",
        "STANDARD_D",
        "STANDARD_D0_V9",
        "D2s_v3",
        "standard_d2s_v55",
        "standard_d2s_v0",
        "standard_d2s_",
    ],
)
def test_what_is_no_size(name: str) -> None:
    assert vm_size(name) is None


def test_images_are_found_in_any_letter_case_with_their_agent_only() -> None:
    assert (
        find_image("Canonical", "UBUNTU-24_04-LTS", "server", "Batch.Node.Ubuntu 24.04") in SUPPORTED_IMAGES
    )
    assert find_image("canonical", "ubuntu-24_04-lts", "server", "batch.node.el 9") is None


def test_integers_among_ids() -> None:
    assert [integer_of(name) for name in ("4", "004", "4a", "-4", "", "٤")] == [4, 4, None, None, None, None]


def test_directories_of_tasks() -> None:
    assert task_root("job", "task") == "workitems/job/job-1/task"
    assert job_root("schedule:job-3") == "workitems/schedule/job-3"


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "add", "remove", "look"]), st.text("abAB", min_size=1, max_size=3)),
        max_size=40,
    )
)
def test_an_index_is_always_in_order(steps: list[tuple[str, str]]) -> None:
    index: OrderedIndex[str] = OrderedIndex()
    model: dict[str, str] = {}
    for action, name in steps:
        if action == "add" and name.lower() not in model:
            index.add(name, name)
            model[name.lower()] = name
        elif action == "remove" and name.lower() in model:
            assert index.remove(name) == model.pop(name.lower())
        elif action == "look":
            assert list(index.after(name)) == sorted(found for found in model.values() if found > name)
    assert list(index.after()) == sorted(model.values())
    assert len(index) == len(model)


def test_walking_an_index_is_not_disturbed_by_changes() -> None:
    index: OrderedIndex[str] = OrderedIndex()
    for name in "abcd":
        index.add(name, name)
    walk = index.after()
    assert next(walk) == "a"
    index.remove("b")
    index.add("aa", "aa")
    assert list(walk) == ["c", "d"]


def test_slots_are_offered_emptiest_or_fullest_first() -> None:
    table = SlotTable()
    for node, free in (("a", 2), ("b", 4), ("c", 1)):
        table.set(node, free)
    assert (table.pick(1, pack=False), table.pick(1, pack=True), table.pick(2, pack=True)) == ("b", "c", "a")
    assert table.pick(1, pack=False, barred={"b"}) == "a"
    assert (table.pick(5, pack=False), table.most()) == (None, 4)
    table.set("b", None)
    assert (table.most(), table.free("b")) == (2, None)


def test_a_timer_is_announced_once_until_an_earlier_one_comes() -> None:
    timers = Timers()
    later, earlier = START + timedelta(hours=2), START + timedelta(hours=1)
    timers.set(later, "job", "a")
    assert (timers.to_announce(), timers.to_announce()) == (later, None)
    timers.set(earlier, "job", "b")
    assert timers.to_announce() == earlier
    assert list(timers.due(earlier)) == [("job", "b")]
    assert timers.to_announce() == later
    timers.set(None, "job", "never")
    assert list(timers.due(later)) == [("job", "a")]
    assert timers.to_announce() is None


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"httpUrl": "http://x/a"},
        {"httpUrl": "http://x/a", "storageContainerUrl": "http://x/c", "filePath": "a"},
        {"httpUrl": "http://x/a", "filePath": "../a"},
        {"httpUrl": "http://x/a", "filePath": "/a"},
        {"httpUrl": "http://x/a", "filePath": "a", "blobPrefix": "b"},
        {"storageContainerUrl": "http://x/c", "fileMode": "rwx"},
    ],
)
def test_resource_files_that_are_refused(item: dict[str, str]) -> None:
    with pytest.raises(BatchError) as caught:
        check_resource_files({"resourceFiles": [item]})
    assert caught.value.code == "InvalidPropertyValue"


def test_resource_files_that_are_accepted() -> None:
    check_resource_files(
        {
            "resourceFiles": [
                {"httpUrl": "http://x/a", "filePath": "dir/a", "fileMode": "0755"},
                {"storageContainerUrl": "http://x/c", "blobPrefix": "p"},
                {"autoStorageContainerName": "c", "filePath": "dir"},
            ]
        }
    )


@pytest.mark.parametrize(
    "item",
    [
        {
            "destination": {"container": {"containerUrl": "u"}},
            "uploadOptions": {"uploadCondition": "tasksuccess"},
        },
        {"filePattern": "*", "destination": {}, "uploadOptions": {"uploadCondition": "tasksuccess"}},
        {"filePattern": "*", "destination": {"container": {"containerUrl": "u"}}},
    ],
)
def test_output_files_that_lack_something(item: dict[str, object]) -> None:
    with pytest.raises(BatchError) as caught:
        check_output_files({"outputFiles": [item]})
    assert caught.value.code == "MissingRequiredProperty"


def test_user_identities() -> None:
    auto = {"scope": "pool", "elevationLevel": "nonadmin"}
    assert user_identity({}) == {"autoUser": auto}
    assert user_identity({"userIdentity": {"autoUser": {"elevationLevel": "admin"}}}) == {
        "autoUser": {**auto, "elevationLevel": "admin"}
    }
    assert user_identity({"userIdentity": {"username": "u"}}) == {"username": "u"}
    with pytest.raises(BatchError):
        user_identity({"userIdentity": {"username": "u", "autoUser": {}}})


def test_signatures_in_urls_are_not_shown_by_repr() -> None:
    world = World()
    url = "http://127.0.0.1:1/acct/c/b?sig=s3cret"
    files = {"resourceFiles": [{"httpUrl": url, "filePath": "b"}]}
    world.do("create_pool", a_pool(nodes=1, startTask={"commandLine": "x", **files}))
    world.do("create_job", a_job(commonEnvironmentSettings=[{"name": "TOKEN", "value": "s3cret"}]))
    world.finish(None, 0, "start")
    task = world.do("create_task", "job", {"id": "t", "commandLine": "x", **files})
    seen = [task, *world.service.nodes("pool"), *world.service.pools(), *world.service.jobs(), *world.effects]
    step = world.service.settle(world.now)
    assert not any("s3cret" in repr(item) for item in (*seen, step))


def test_a_transition_that_cannot_be_tells_the_story() -> None:
    world = World()
    world.do("create_pool", a_pool())
    world.do("create_job", a_job())
    world.do("terminate_job", "job")
    job = world.service.job("job")
    with pytest.raises(InvalidTransition, match="terminating -> completed") as caught:
        world.service.state.move(job, "active", "a bug")
    assert (caught.value.start, caught.value.finish, len(caught.value.story)) == ("completed", "active", 3)


@pytest.mark.parametrize("family", sorted(TABLES))
def test_every_state_that_can_be_reached_is_in_its_table(family: str) -> None:
    table = TABLES[family]
    assert {finish for finishes in table.values() for finish in finishes} <= table.keys()
