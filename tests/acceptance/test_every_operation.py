"""Point 2: all 72 operations answer exactly the documented statuses."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from azure.batch import BatchClient

from batch_emulator.rest.operations import OPERATION_NAMES
from batch_emulator.rest.routing import Router
from batch_emulator.testing import LocalBatch
from tests.acceptance.conftest import until
from tests.acceptance.recorded import recorded
from tests.acceptance.uploads import a_container, a_package
from tests.protocol.builders import a_job, a_pool, a_task

QUICK = {"polling_interval": 0.05}
CREATED = {"create_pool", "create_node_user", "create_job", "create_job_schedule", "create_task"}
ACCEPTED = {
    "delete_pool",
    "resize_pool",
    "stop_pool_resize",
    "remove_nodes",
    "reboot_node",
    "start_node",
    "reimage_node",
    "deallocate_node",
    "delete_job",
    "disable_job",
    "enable_job",
    "terminate_job",
    "delete_job_schedule",
    "terminate_job_schedule",
}
NO_CONTENT = {
    "replace_pool_properties",
    "disable_job_schedule",
    "enable_job_schedule",
    "terminate_task",
    "reactivate_task",
}


def documented(name: str) -> int:
    """The status of success."""
    return 201 if name in CREATED else 202 if name in ACCEPTED else 204 if name in NO_CONTENT else 200


def test_12_02_all_operations_answer_the_documented_statuses(account: LocalBatch) -> None:
    a_package(account, "app", "1.0")
    with recorded(account) as (client, answers):
        _pools(client)
        _jobs(client)
        _tasks(client)
        _nodes(client, a_container(account, "logs"))
        _schedules(client)
        _end(client)
    router, statuses = Router(), dict[str, set[int]]()
    for answer in answers.answers:
        if answer.status < 400:  # those who wait for an end see that what they look at is gone
            found = router.match(answer.method, answer.path.partition("?")[0])
            statuses.setdefault(found.operation.name, set()).add(answer.status)
    assert statuses.keys() == set(OPERATION_NAMES)
    assert statuses == {name: {documented(name)} for name in OPERATION_NAMES}


def _pools(client: BatchClient) -> None:
    extension = {"name": "ext", "publisher": "p", "type": "t", "typeHandlerVersion": "1.0"}
    pool: dict[str, Any] = a_pool("pool", nodes=1)
    machine = {**pool["virtualMachineConfiguration"], "extensions": [extension]}
    client.create_pool({**pool, "virtualMachineConfiguration": machine})
    client.create_pool(a_pool("other"))
    list(client.list_pools())
    assert client.pool_exists("pool")
    client.update_pool("other", {"metadata": [{"name": "a", "value": "b"}]})
    client.replace_pool_properties("other", {"applicationPackageReferences": [], "metadata": []})
    formula = {"autoScaleFormula": "$TargetDedicatedNodes = 0;"}
    until(lambda: client.get_pool("other").allocation_state == "steady")
    client.enable_pool_auto_scale("other", formula)
    client.evaluate_pool_auto_scale("other", formula)
    client.disable_pool_auto_scale("other")
    until(lambda: client.get_pool("other").allocation_state == "steady")
    client.begin_resize_pool("other", {"targetDedicatedNodes": 2}, **QUICK).result()
    node = next(iter(client.list_nodes("other"))).id
    client.begin_remove_nodes("other", {"nodeList": [node]}, **QUICK).result()
    list(client.list_applications())
    client.get_application("app")
    list(client.list_pool_usage_metrics())
    list(client.list_supported_images())
    list(client.list_pool_node_counts())


def _jobs(client: BatchClient) -> None:
    prepared = {"jobPreparationTask": {"commandLine": "true"}}
    client.create_job(a_job("job", "pool", **prepared))
    list(client.list_jobs())
    client.update_job("job", {"priority": 1})
    client.replace_job("job", {"poolInfo": {"poolId": "pool"}})
    client.begin_disable_job("job", {"disableTasks": "wait"}, **QUICK).result()
    client.begin_enable_job("job", **QUICK).result()
    client.get_job("job")
    list(client.list_job_preparation_and_release_task_status("job"))
    client.get_job_task_counts("job")


def _tasks(client: BatchClient) -> None:
    client.create_task("job", a_task("t", "echo x > f; exit 1"))
    client.create_task_collection("job", {"value": [a_task("u", "sleep 600")]})
    list(client.list_tasks("job"))
    until(lambda: client.get_task("job", "t").state == "completed")
    list(client.list_subtasks("job", "t"))
    list(client.list_task_files("job", "t", recursive=True))
    client.get_task_file_properties("job", "t", "stdout.txt")
    b"".join(client.download_task_file("job", "t", "stdout.txt"))
    client.delete_task_file("job", "t", "wd/f")
    client.replace_task("job", "u", {"constraints": {"maxTaskRetryCount": 1}})
    client.terminate_task("job", "u")
    client.reactivate_task("job", "t")
    client.delete_task("job", "u")


def _nodes(client: BatchClient, container: str) -> None:
    node = next(iter(client.list_nodes("pool"))).id
    client.get_node("pool", node)
    client.create_node_user("pool", node, {"name": "user", "password": "secret"})
    client.replace_node_user("pool", node, "user", {"password": "other"})
    client.delete_node_user("pool", node, "user")
    client.get_node_remote_login_settings("pool", node)
    start = (datetime.now(timezone.utc) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    client.upload_node_logs("pool", node, {"containerUrl": container, "startTime": start})
    list(client.list_node_extensions("pool", node))
    client.get_node_extension("pool", node, "ext")
    names = [
        file.name for file in client.list_node_files("pool", node, recursive=True) if not file.is_directory
    ]
    client.get_node_file_properties("pool", node, names[0])
    b"".join(client.download_node_file("pool", node, names[0]))
    client.delete_node_file("pool", node, "workitems/job/job-1/t/stderr.txt")
    client.disable_node_scheduling("pool", node, {"nodeDisableSchedulingOption": "requeue"})
    client.enable_node_scheduling("pool", node)
    client.begin_reboot_node("pool", node, {"nodeRebootOption": "requeue"}, **QUICK).result()
    client.begin_reimage_node("pool", node, {"nodeReimageOption": "requeue"}, **QUICK).result()
    client.begin_deallocate_node("pool", node, {"nodeDeallocateOption": "requeue"}, **QUICK).result()
    client.begin_start_node("pool", node, **QUICK).result()


def _schedules(client: BatchClient) -> None:
    specification = {"poolInfo": {"poolId": "pool"}}
    plan = {"recurrenceInterval": "P1D"}
    client.create_job_schedule({"id": "plan", "schedule": plan, "jobSpecification": specification})
    list(client.list_job_schedules())
    assert client.job_schedule_exists("plan")
    client.get_job_schedule("plan")
    list(client.list_jobs_from_schedule("plan"))
    client.update_job_schedule("plan", {"metadata": []})
    client.replace_job_schedule("plan", {"schedule": plan, "jobSpecification": specification})
    client.disable_job_schedule("plan")
    client.enable_job_schedule("plan")
    client.begin_terminate_job_schedule("plan", **QUICK).result()
    client.begin_delete_job_schedule("plan", **QUICK).result()


def _end(client: BatchClient) -> None:
    client.begin_terminate_job("job", options={"terminateReason": "x"}, **QUICK).result()
    client.begin_delete_job("job", **QUICK).result()
    # A node that waits for its task keeps the resize going until it is stopped.
    client.create_job(a_job("last", "other"))
    client.create_task("last", a_task("t", "sleep 600"))
    until(lambda: client.get_task("last", "t").state == "running")
    option = {"targetDedicatedNodes": 0, "nodeDeallocationOption": "taskcompletion"}
    client.begin_resize_pool("other", option, polling_interval=600)
    client.begin_stop_pool_resize("other", **QUICK).result()
    client.begin_delete_pool("other", **QUICK).result()
