from __future__ import annotations

import pytest
from azure.batch import models

from tests.protocol.builders import MACHINE, a_job, a_pool, a_task
from tests.protocol.driver import Driver

pytestmark = pytest.mark.slow


async def test_a_pool_without_targets_is_steady_at_once(batch: Driver, name: str) -> None:
    accounts = [{"name": "u", "password": "geheim"}]
    await batch.call("create_pool", a_pool(name, displayName="A pool", userAccounts=accounts))
    assert batch.last.status == 201
    assert batch.last.headers["location"].endswith(f"/pools/{name}")
    pool = await batch.call("get_pool", name)
    assert (pool.id, pool.state, pool.allocation_state) == (name, "active", "steady")
    assert pool.display_name == "A pool"
    assert (pool.target_dedicated_nodes, pool.current_dedicated_nodes) == (0, 0)
    assert pool.resize_timeout.total_seconds() == 900
    assert pool.user_accounts[0].elevation_level == "nonadmin"
    assert pool.etag == batch.last.headers["etag"]
    assert await batch.call("pool_exists", name) is True


async def test_what_was_given_comes_back(aio_batch: Driver, name: str) -> None:
    machine = {
        **MACHINE,
        "dataDisks": [{"lun": 1, "diskSizeGB": 50}],
        "diskEncryptionConfiguration": {"targets": ["TemporaryDisk"]},
    }
    policy = {"nodeFillType": "Pack", "jobDefaultOrder": "creationtime"}
    await aio_batch.call(
        "create_pool", a_pool(name, virtualMachineConfiguration=machine, taskSchedulingPolicy=policy)
    )
    pool = await aio_batch.call("get_pool", name)
    machine_back = pool.virtual_machine_configuration
    assert (machine_back.data_disks[0].logical_unit_number, machine_back.data_disks[0].disk_size_gb) == (
        1,
        50,
    )
    assert machine_back.disk_encryption_configuration.targets == ["temporarydisk"]
    assert machine_back.image_reference.version == "latest"
    assert pool.task_scheduling_policy.job_default_order == "creationtime"
    assert pool.task_scheduling_policy.node_fill_type == "Pack"


async def test_resize_and_remove_nodes_and_delete(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name))
    before = (await batch.call("get_pool", name)).etag
    options = models.BatchPoolResizeOptions(target_dedicated_nodes=1, target_low_priority_nodes=1)
    began = await batch.run("begin_resize_pool", name, options)
    assert (began.status, began.headers["etag"] != before) == (202, True)
    pool = await batch.call("get_pool", name)
    assert (pool.current_dedicated_nodes, pool.current_low_priority_nodes) == (1, 1)
    nodes = await batch.list("list_nodes", name)
    assert sorted(node.is_dedicated for node in nodes) == [False, True]
    await batch.run(
        "begin_remove_nodes", name, models.BatchNodeRemoveOptions(node_ids=[node.id for node in nodes])
    )
    assert await batch.list("list_nodes", name) == []
    began = await batch.run("begin_delete_pool", name)
    assert began.status == 202
    assert not {"etag", "dataserviceid"} & began.headers.keys()
    assert batch.last.status == 404


async def test_stop_resize(batch: Driver, name: str) -> None:
    """A resize that waits for a task is stopped: the nodes stay, the target is what was asked for."""
    await batch.call("create_pool", a_pool(name, nodes=1))
    await batch.call("create_job", a_job(name, name))
    await batch.call("create_task", name, a_task("t", "sleep 600"))
    await batch.until(lambda task: task.state == "running", "get_task", name, "t")
    options = {"targetDedicatedNodes": 0, "nodeDeallocationOption": "taskcompletion"}
    poller = await batch.call("begin_resize_pool", name, options, polling_interval=0.05)
    assert (await batch.call("get_pool", name)).allocation_state == "resizing"
    resized = batch.last.headers["etag"]
    began = await batch.run("begin_stop_pool_resize", name)
    assert (began.status, began.headers["etag"]) == (202, resized)
    pool = await batch.call("get_pool", name)
    assert (pool.allocation_state, pool.current_dedicated_nodes) == ("steady", 1)
    assert pool.target_dedicated_nodes == 0
    await batch.finish(poller)
    await batch.run("begin_terminate_job", name, options={"terminateReason": "x"})
    await batch.run("begin_delete_pool", name)


async def test_metadata_and_start_task_are_replaced(batch: Driver, name: str) -> None:
    start = {"commandLine": "true"}
    await batch.call("create_pool", a_pool(name, startTask=start, metadata=[{"name": "a", "value": "b"}]))
    replacement = models.BatchPoolReplaceOptions(
        application_package_references=[], metadata=[models.BatchMetadataItem(name="foo", value="bar")]
    )
    await batch.call("replace_pool_properties", name, replacement)
    assert batch.last.status == 204
    pool = await batch.call("get_pool", name)
    assert pool.start_task is None
    assert [(item.name, item.value) for item in pool.metadata] == [("foo", "bar")]
    await batch.call(
        "update_pool", name, {"startTask": start, "metadata": [{"name": "foo2", "value": "bar2"}]}
    )
    pool = await batch.call("get_pool", name)
    assert pool.start_task.wait_for_success is True
    assert [(item.name, item.value) for item in pool.metadata] == [("foo2", "bar2")]


async def test_autoscale(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name))
    options = {"autoScaleFormula": "$TargetDedicatedNodes=0", "autoScaleEvaluationInterval": "PT06M00S"}
    await batch.call("enable_pool_auto_scale", name, options)
    pool = await batch.until(lambda pool: pool.auto_scale_run is not None, "get_pool", name)
    assert pool.enable_auto_scale is True
    assert pool.auto_scale_evaluation_interval.total_seconds() == 360
    run = await batch.call("evaluate_pool_auto_scale", name, {"autoScaleFormula": "$TargetDedicatedNodes=3"})
    assert run.results == (
        "$TargetDedicatedNodes=3;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue"
    )
    await batch.call("disable_pool_auto_scale", name)
    pool = await batch.call("get_pool", name)
    assert (pool.enable_auto_scale, pool.auto_scale_formula) == (False, None)


async def test_node_counts(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name))
    [counts] = await batch.list("list_pool_node_counts", filter=f"poolId eq '{name}'")
    assert counts.pool_id == name
    assert (counts.dedicated.total, counts.low_priority.leaving_pool) == (0, 0)


async def test_numbers_may_be_text_and_answers_are_numbers(aio_batch: Driver, name: str) -> None:
    await aio_batch.call("create_pool", a_pool(name, nodes="0", taskSlotsPerNode="2"))  # type: ignore[arg-type]
    pool = await aio_batch.call("get_pool", name)
    assert (pool.target_dedicated_nodes, pool.task_slots_per_node) == (0, 2)
