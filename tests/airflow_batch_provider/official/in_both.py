"""Run as a program where both providers are installed: the same things are done with both operators.

Prints what was seen as JSON, by behaviour and operator. Waiting in the official operator is sped up; nothing
else of it is touched.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

with warnings.catch_warnings(record=True) as told_at_start:
    warnings.simplefilter("always")
    from airflow.providers.microsoft.azure.hooks import batch as official_hook
    from airflow.providers.microsoft.azure.operators.batch import AzureBatchOperator as Official
    from airflow.providers_manager import ProvidersManager
    from airflow.sdk.exceptions import TaskDeferred
    from azure.batch import BatchClient, models
    from azure.core.credentials import AzureNamedKeyCredential

    from airflow_batch_provider.operators.azure_batch import AzureBatchOperator as Ours

ENDPOINT, ACCOUNT, KEY = (os.environ[name] for name in ("BATCH_ENDPOINT", "BATCH_ACCOUNT", "BATCH_KEY"))
client = BatchClient(ENDPOINT, AzureNamedKeyCredential(ACCOUNT, KEY))
LOOKS = 8
"""After so many pauses in the official operator it is taken to wait for what does not come."""


class StillWaits(Exception):  # noqa: N818 - what was seen, not an error
    """The official operator looks again and again."""


class Pauses:
    """Stands for ``time`` in the official hook: short pauses, and not without end."""

    def __init__(self) -> None:
        self.left = 0

    def sleep(self, seconds: float) -> None:
        self.left -= 1
        if self.left < 0:
            raise StillWaits
        time.sleep(0.5)


pauses = Pauses()
official_hook.time = pauses


def new(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def make_pool(nodes: int) -> str:
    pool_id = new("pool")
    image = {"publisher": "canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts"}
    machine = {"imageReference": image, "nodeAgentSKUId": "batch.node.ubuntu 22.04"}
    body: Any = {"id": pool_id, "vmSize": "standard_d2s_v3", "virtualMachineConfiguration": machine}
    client.create_pool({**body, "targetLowPriorityNodes": nodes, "taskSlotsPerNode": 1})
    return pool_id


def until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within a minute")


def make_job(pool_id: str, *commands: str) -> str:
    job_id = new("job")
    body: Any = {"id": job_id, "poolInfo": {"poolId": pool_id}}
    client.create_job(body)
    for number, command in enumerate(commands):
        task: Any = {"id": f"theirs-{number}", "commandLine": command}
        client.create_task(job_id, task)
    return job_id


def operator(kind: type, pool_id: str, job_id: str, command: str, **options: Any) -> Any:
    return kind(
        **{
            "task_id": "job",
            "batch_pool_id": pool_id,
            "batch_pool_vm_size": "standard_d2s_v3",
            "batch_job_id": job_id,
            "batch_task_id": "crunch",
            "batch_task_command_line": command,
            "vm_publisher": "canonical",
            "vm_offer": "0001-com-ubuntu-server-jammy",
            "vm_sku": "22_04-lts",
            "vm_node_agent_sku_id": "batch.node.ubuntu 22.04",
            "target_dedicated_nodes": 1,
            "poll_interval": 1,
            **options,
        }
    )


def run(made: Any, run_id: str = "run") -> tuple[str, str]:
    """State of an Airflow task that executes an operator, and all that it logs, the error included."""
    pauses.left = LOOKS
    ti = SimpleNamespace(
        dag_id="dag", run_id=run_id, task_id="job", map_index=-1, max_tries=0, xcom_push=lambda **pushed: None
    )
    with contextlib.redirect_stdout(io.StringIO()) as log:
        try:
            made.execute({"ti": ti, "run_id": run_id})
        except StillWaits:
            return "waits", log.getvalue()
        except TaskDeferred:
            return "deferred", log.getvalue()
        except Exception as error:
            return "failed", f"{log.getvalue()}{type(error).__name__}: {error}"
    return "success", log.getvalue()


def busy_pool(kind: type) -> str:
    pool_id = make_pool(2)
    other = make_job(pool_id, "/bin/sleep 120")
    until(lambda: client.get_task(other, "theirs-0").state == "running")
    state = run(operator(kind, pool_id, new("job"), "/bin/true"))[0]
    client.terminate_task(other, "theirs-0")
    return state


def failing_command(kind: type) -> str:
    return run(operator(kind, POOL, new("job"), "/bin/false"))[0]


def failure_explained(kind: type) -> bool:
    command = "/bin/sh -c 'echo the answer is $((40 + 2)) >&2; exit 3'"
    return "the answer is 42" in run(operator(kind, POOL, new("job"), command))[1]


def output_in_log(kind: type) -> bool:
    return "hello from the node" in run(operator(kind, POOL, new("job"), "/bin/echo hello from the node"))[1]


def others_failure(kind: type) -> str:
    job_id = make_job(POOL, "/bin/false")
    until(lambda: client.get_task(job_id, "theirs-0").state == "completed")
    return run(operator(kind, POOL, job_id, "/bin/true"))[0]


def same_ids_again(kind: type) -> int:
    """How often the command ran for two runs that name the same job and task."""
    job_id = make_job(POOL)
    for run_id in ("monday", "tuesday"):
        assert run(operator(kind, POOL, job_id, "/bin/true"), run_id)[0] == "success"
    return len(list(client.list_tasks(job_id)))


def retry(kind: type) -> str:
    command = "/bin/sh -c 'mkdir $AZ_BATCH_NODE_SHARED_DIR/{} && exit 1 || exit 0'".format(new("tried"))
    job_id = make_job(POOL)
    assert run(operator(kind, POOL, job_id, command))[0] == "failed"
    return run(operator(kind, POOL, job_id, command))[0]


def ended_job(kind: type) -> str:
    job_id = make_job(POOL)
    options: Any = {"terminateReason": "test"}
    client.begin_terminate_job(job_id, options, polling_interval=1).wait()
    state = run(operator(kind, POOL, job_id, "/bin/true"))[0]
    ran = [
        each.id for each in client.list_jobs() if str(each.id).startswith(job_id) if list(tasks_of(each.id))
    ]
    return f"{state}, {'ran' if ran else 'ran nothing'}"


def tasks_of(job_id: str | None) -> Any:
    return client.list_tasks(str(job_id))


def kill(kind: type) -> str:
    """What a kill leaves of the own task and of another in the same job."""
    job_id = make_job(EMPTY_POOL, "/bin/true")
    made = operator(kind, EMPTY_POOL, job_id, "/bin/true", deferrable=True)
    run(made)
    try:
        made.on_kill()
    except Exception as error:
        return f"{type(error).__name__}, own {client.get_task(job_id, 'crunch').state.value}"
    states = [client.get_task(job_id, task_id).state for task_id in ("crunch", "theirs-0")]
    return f"own {states[0].value}, other {states[1].value}"


def job_afterwards(kind: type) -> str:
    job_id = new("job")
    run(operator(kind, POOL, job_id, "/bin/true"))
    for _ in range(50):
        if (state := client.get_job(job_id).state) == "completed":
            break
        time.sleep(0.1)
    return str(state.value)


def secret_in_log(kind: type) -> bool:
    """Whether the signature of a resource file that cannot be had is in the log or the error."""
    file = models.ResourceFile(http_url=f"{ENDPOINT}/no/such/file?sig=topsecret", file_path="data")
    made = operator(kind, POOL, new("job"), "/bin/true", batch_task_resource_files=[file])
    state, text = run(made)
    assert state == "failed"
    return "topsecret" in text


def spot_alone(kind: type) -> str:
    try:
        made = operator(
            kind, POOL, new("job"), "/bin/true", target_dedicated_nodes=None, target_low_priority_nodes=1
        )
    except ValueError:
        return "refused"
    return run(made)[0]


def parse_error(kind: type) -> bool:
    """Whether a pool that can have no nodes is an error when the DAG is parsed."""
    try:
        operator(kind, POOL, "job", "/bin/true", target_dedicated_nodes=None)
    except ValueError:
        return True
    return False


def parameters(kind: type) -> dict[str, Any]:
    found = inspect.signature(kind.__init__).parameters.values()
    return {
        each.name: repr(each.default)
        for each in found
        if each.kind is inspect.Parameter.KEYWORD_ONLY and each.name != "deferrable"
    }


def providers() -> dict[str, Any]:
    """What Airflow finds of both, and what it has to say about that."""
    with contextlib.redirect_stdout(io.StringIO()) as log, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "ProvidersManager.hooks is deprecated")
        manager = ProvidersManager()
        hooks = {
            name: hook.hook_class_name for name, hook in manager.hooks.items() if hook and "batch" in name
        }
    return {
        "hooks": hooks,
        "told": [str(each.message) for each in (*told_at_start, *told) if "batch" in str(each).lower()],
        "log": [line for line in log.getvalue().splitlines() if "batch" in line.lower()],
        "names": sorted(name for name in manager.providers if "azure" in name),
    }


def azure_at_parse(kind: type) -> bool:
    """Whether a DAG file that imports the operator imports an Azure SDK."""
    program = f"import sys, {kind.__module__}; print('azure.core' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()[-1] == "True"


BEHAVIOURS = (
    busy_pool, failing_command, failure_explained, output_in_log, others_failure, same_ids_again, retry,
    ended_job, kill, job_afterwards, secret_in_log, spot_alone, parse_error, azure_at_parse,
)  # fmt: skip


if __name__ == "__main__":
    seen: dict[str, Any] = {"providers": providers()}
    seen["parameters"] = {"official": parameters(Official), "ours": parameters(Ours)}
    POOL, EMPTY_POOL = make_pool(1), make_pool(0)
    until(lambda: [node.state for node in client.list_nodes(POOL)] == ["idle"])
    for behaviour in BEHAVIOURS:
        seen[behaviour.__name__] = {"official": behaviour(Official), "ours": behaviour(Ours)}
    sys.stdout.write(f"SEEN {json.dumps(seen)}\n")
