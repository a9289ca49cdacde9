"""A day of `azure-batch` 11 to 14, told as JSON. Runs in that client's environment.

Arguments: endpoint, account, key, the file of the certificate authority, an id for pool and job.
"""

import json
import os
import sys
import time

from azure.batch import BatchServiceClient, models
from azure.batch.batch_auth import SharedKeyCredentials

ENDPOINT, ACCOUNT, KEY, AUTHORITY, NAME = sys.argv[1:]
os.environ["REQUESTS_CA_BUNDLE"] = AUTHORITY
client = BatchServiceClient(SharedKeyCredentials(ACCOUNT, KEY), batch_url=ENDPOINT)
client.config.retry_policy.retries = 0
told = {}


def code_of(function):
    """The error code of a refusal."""
    try:
        function()
    except models.BatchErrorException as error:
        return error.error.code if error.error else error.response.status_code
    return "none"


def until(holds, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def known(model, **values):
    """Only what this version of the client knows."""
    return {name: value for name, value in values.items() if name in model._attribute_map}


machine = models.VirtualMachineConfiguration(
    image_reference=models.ImageReference(
        publisher="canonical", offer="ubuntu-24_04-lts", sku="server", version="latest"
    ),
    node_agent_sku_id="batch.node.ubuntu 24.04",
    data_disks=[models.DataDisk(lun=1, disk_size_gb=50, storage_account_type="premium_lrs")],
)
records = known(
    models.PoolAddParameter, target_node_communication_mode="classic", resource_tags={"cost": "none"}
)
client.pool.add(
    models.PoolAddParameter(
        id=NAME,
        vm_size="standard_d2s_v3",
        virtual_machine_configuration=machine,
        target_dedicated_nodes=1,
        certificate_references=[],
        application_licenses=["maya"],
        start_task=models.StartTask(command_line="/bin/true", wait_for_success=True),
        **records,
    )
)
pool = client.pool.get(NAME)
told["pool"] = pool.as_dict()
told["records"] = sorted(records)
told["exists"] = [client.pool.exists(NAME), client.pool.exists("none")]
client.pool.patch(NAME, models.PoolPatchParameter(metadata=[models.MetadataItem(name="a", value="b")]))
client.pool.update_properties(
    NAME,
    models.PoolUpdatePropertiesParameter(
        certificate_references=[], application_package_references=[], metadata=[]
    ),
)
until(lambda: client.pool.get(NAME).allocation_state == models.AllocationState.steady)

client.job.add(models.JobAddParameter(id=NAME, pool_info=models.PoolInformation(pool_id=NAME)))
client.task.add(
    NAME,
    models.TaskAddParameter(
        id="one",
        command_line="/bin/sh -c 'echo seen; test -n \"$AZ_BATCH_AUTHENTICATION_TOKEN\"'",
        authentication_token_settings=models.AuthenticationTokenSettings(access=["job"]),
    ),
)
added = client.task.add_collection(
    NAME,
    [models.TaskAddParameter(id=f"more-{n:03}", command_line="/bin/true") for n in range(130)],
    threads=2,
)
told["added"] = sorted({str(result.status) for result in added.value})
until(lambda: client.task.get(NAME, "one").state == models.TaskState.completed)
told["task"] = client.task.get(NAME, "one").as_dict()
told["ids"] = [
    item.id for item in client.task.list(NAME, models.TaskListOptions(select="id,state", max_results=50))
]
told["output"] = b"".join(client.file.get_from_task(NAME, "one", "stdout.txt")).decode()
told["files"] = [item.name for item in client.file.list_from_task(NAME, "one", recursive=True)]
told["length"] = client.file.get_properties_from_task(NAME, "one", "stdout.txt", raw=True).headers[
    "Content-Length"
]
until(lambda: client.job.get_task_counts(NAME).task_counts.active == 0)
told["subtasks"] = client.task.list_subtasks(NAME, "one").value

(node,) = client.compute_node.list(NAME)
until(lambda: client.compute_node.get(NAME, node.id).state == models.ComputeNodeState.idle)
told["node"] = client.compute_node.get(NAME, node.id).as_dict()
client.compute_node.disable_scheduling(NAME, node.id)
client.compute_node.enable_scheduling(NAME, node.id)
told["counts"] = [item.as_dict() for item in client.account.list_pool_node_counts() if item.pool_id == NAME]
told["certificates"] = list(client.certificate.list())
client.job.patch(NAME, models.JobPatchParameter(priority=5))
client.job.update(NAME, models.JobUpdateParameter(pool_info=models.PoolInformation(pool_id=NAME), priority=3))
told["priority"] = client.job.get(NAME).priority
client.job.terminate(NAME, terminate_reason="enough")
client.pool.enable_auto_scale(NAME, auto_scale_formula="$TargetDedicatedNodes=1")
told["evaluated"] = client.pool.evaluate_auto_scale(NAME, "$TargetDedicatedNodes=1").results

told["refused"] = {
    "a missing pool": code_of(lambda: client.pool.get("none")),
    "the same job": code_of(
        lambda: client.job.add(
            models.JobAddParameter(id=NAME, pool_info=models.PoolInformation(pool_id=NAME))
        )
    ),
    "a cloud service": code_of(
        lambda: client.pool.add(
            models.PoolAddParameter(
                id="x",
                vm_size="small",
                cloud_service_configuration=models.CloudServiceConfiguration(os_family="5"),
            )
        )
    ),
    "a certificate": code_of(lambda: client.certificate.get("sha1", "0a0b")),
    "a stop of nothing": code_of(
        lambda: client.job.update(
            NAME,
            models.JobUpdateParameter(pool_info=models.PoolInformation(pool_id=NAME)),
            models.JobUpdateOptions(if_match="0x1"),
        )
    ),
}
client.job.delete(NAME)
client.pool.delete(NAME)
until(lambda: not client.pool.exists(NAME))
print(json.dumps(told, default=str))  # noqa: T201
