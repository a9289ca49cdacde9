"""The importable server: started, used, reset, moved in time and stopped from a test's thread."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import HttpResponseError

from batch_emulator.faults import FaultsError
from batch_emulator.journal import DataDirLockedError
from batch_emulator.journal.lock import holder_of
from batch_emulator.service.errors import BatchError
from batch_emulator.testing import LocalBatch
from batch_emulator.testing.background import NotRunningError
from batch_emulator.testing.storage import Azurite
from tests.batch_emulator.runtime.served import a_job, a_pool, a_task
from tests.protocol.builders import a_pool as a_wire_pool

WINDOWS = {
    "imageReference": {
        "publisher": "MicrosoftWindowsServer",
        "offer": "WindowsServer",
        "sku": "2022-datacenter",
    },
    "nodeAgentSKUId": "batch.node.windows amd64",
}
ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalBatch]:
    with LocalBatch() as batch:
        yield batch


@pytest.fixture
def batch(shared: LocalBatch) -> Iterator[LocalBatch]:
    yield shared
    shared.reset()


def until(ask: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + 60
    while not good(answer := ask()):
        assert time.monotonic() < deadline, f"the last answer was {answer}"
        time.sleep(0.02)
    return answer


def run_task(batch: LocalBatch, script: str = "exit 0", **more: Any) -> Any:
    """Make a pool, a job and a task; wait until the task is completed."""
    batch.client.create_pool(a_pool("p", 1))
    batch.client.create_job(a_job("j", "p"))
    batch.client.create_task("j", a_task("t", script, **more))
    return until(lambda: batch.client.get_task("j", "t"), lambda task: task.state == "completed")


def states(batch: LocalBatch) -> list[str]:
    return [str(node.state.value) for node in batch.client.list_nodes("p")]


def test_it_runs_tasks(batch: LocalBatch) -> None:
    task = run_task(batch, "echo hello")
    assert task.execution_info.exit_code == 0
    assert b"".join(batch.client.download_task_file("j", "t", "stdout.txt")) == b"hello\n"
    assert batch.status()["tasks"]["succeeded"] == 1


def test_each_test_has_an_empty_account_again(batch: LocalBatch) -> None:
    for _ in range(2):
        run_task(batch)
        batch.faults.set({"requests": [{"fault": "serverError", "operations": ["list_pools"]}]})
        batch.clock.advance(3600)
        batch.reset()
        assert [*batch.client.list_pools(), *batch.client.list_jobs()] == []
        assert not batch.faults.present
        assert abs(batch.clock.now().timestamp() - time.time()) < 60


def test_faults_are_set_added_counted_and_cleared(batch: LocalBatch) -> None:
    batch.faults.set({"requests": [{"fault": "throttling", "operations": ["list_jobs"], "times": 1}]})
    batch.faults.add({"quotas": {"pools": 0}})
    with batch.make_client(retry_total=0) as client:
        with pytest.raises(HttpResponseError, match="ServerBusy"):
            list(client.list_jobs())
        with pytest.raises(HttpResponseError, match="PoolQuotaReached"):
            client.create_pool(a_pool("p", 0))
        assert batch.faults.counts()["requests"][0]["struck"] == 1
        batch.faults.clear()
        client.create_pool(a_pool("p", 0))


def test_faults_that_are_none_are_refused_and_change_nothing(batch: LocalBatch) -> None:
    batch.faults.set({"quotas": {"pools": 1}})
    with pytest.raises(FaultsError, match="nodes"):
        batch.faults.set({"nodes": 1})
    assert batch.faults.present.quotas.pools == 1


def test_time_brings_back_what_was_evicted(batch: LocalBatch) -> None:
    batch.client.create_pool(a_wire_pool("p", targetDedicatedNodes=0, targetLowPriorityNodes=1))
    until(lambda: states(batch), lambda found: found == ["idle"])
    (node,) = batch.client.list_nodes("p")
    assert batch.faults.preempt("p", away=3600) == [node.id]
    until(lambda: list(Path(batch.status()["dataDir"], "nodes").glob("p/*")), lambda found: found == [])
    batch.clock.advance(timedelta(minutes=59))
    assert states(batch) == ["preempted"]
    batch.clock.advance(timedelta(minutes=2))
    until(lambda: states(batch), lambda found: found == ["idle"])
    with pytest.raises(BatchError, match="NodeNotFound"):
        batch.faults.lose("p", "nowhere")


def test_time_ends_a_task_at_its_wall_clock(batch: LocalBatch) -> None:
    batch.client.create_pool(a_pool("p", 1))
    batch.client.create_job(a_job("j", "p"))
    limit = {"constraints": {"maxWallClockTime": "PT5H"}}
    batch.client.create_task("j", a_task("t", "exec sleep 600", **limit))
    until(lambda: batch.client.get_task("j", "t"), lambda task: task.state == "running")
    batch.clock.advance(timedelta(hours=5, seconds=1))
    task = until(lambda: batch.client.get_task("j", "t"), lambda task: task.state == "completed")
    assert task.execution_info.failure_info.code == "TaskEnded"


def test_time_makes_the_jobs_of_a_schedule(batch: LocalBatch) -> None:
    batch.client.create_pool(a_pool("p", 1))
    manager = {"id": "boss", "commandLine": "/bin/true"}
    specification = {"poolInfo": {"poolId": "p"}, "jobManagerTask": manager}
    plan = {"id": "s", "schedule": {"recurrenceInterval": "PT1H"}, "jobSpecification": specification}
    batch.client.create_job_schedule(plan)
    for number in (1, 2, 3):
        job = until(
            lambda number=number: batch.client.get_job(f"s:job-{number}"),
            lambda found: found.state == "completed",
        )
        assert job.execution_info.termination_reason == "JMComplete"
        assert len(list(batch.client.list_jobs_from_schedule("s"))) == number
        batch.clock.advance(timedelta(hours=1))


def test_time_waits_for_real_nodes_and_for_short_jobs_of_a_schedule() -> None:
    with LocalBatch(boot_delay=0.5) as batch:
        batch.client.create_pool(a_pool("p", 1))
        batch.clock.advance(timedelta(days=1))
        assert states(batch) == ["idle"]
        assert not batch.client.get_pool("p").resize_errors
        specification = {
            "poolInfo": {"poolId": "p"},
            "jobManagerTask": {"id": "boss", "commandLine": "/bin/true"},
        }
        plan = {"id": "s", "schedule": {"recurrenceInterval": "PT1M"}, "jobSpecification": specification}
        batch.client.create_job_schedule(plan)
        batch.clock.advance(timedelta(minutes=20, seconds=1), settle=30)
        assert batch.status()["jobs"] == {"completed": 21}


def test_every_evaluation_of_a_formula_happens_on_the_way(batch: LocalBatch) -> None:
    formula = "$TargetDedicatedNodes = 0; $NodeDeallocationOption = requeue;"
    batch.client.create_pool(a_wire_pool("p", enableAutoScale=True, autoScaleFormula=formula))
    start = batch.clock.now()
    batch.clock.advance(timedelta(hours=1))
    run = batch.client.get_pool("p").auto_scale_run
    assert timedelta(minutes=59) < run.timestamp - start < timedelta(minutes=61)


def test_time_does_not_go_back(batch: LocalBatch) -> None:
    with pytest.raises(ValueError, match="back"):
        batch.clock.advance(-1)
    with pytest.raises(ValueError, match="settle"):
        batch.clock.advance(1, settle=-1)


def test_threads_may_use_it_together(batch: LocalBatch) -> None:
    batch.client.create_pool(a_pool("p", 0))
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                batch.status()
                batch.faults.counts()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def test_two_accounts_live_beside_each_other(batch: LocalBatch) -> None:
    with LocalBatch(account="other") as other:
        other.client.create_pool(a_pool("p", 0))
        assert [pool.id for pool in batch.client.list_pools()] == []
        assert other.endpoint != batch.endpoint


def test_a_folder_keeps_the_account(tmp_path: Path) -> None:
    with LocalBatch(tmp_path) as batch:
        batch.client.create_pool(a_pool("p", 0))
        with pytest.raises(DataDirLockedError), LocalBatch(tmp_path):
            pass
    batch.start()
    try:
        assert [pool.id for pool in batch.client.list_pools()] == ["p"]
    finally:
        batch.stop()


def test_the_folder_is_held_through_a_reset(tmp_path: Path) -> None:
    with LocalBatch(tmp_path, simulate={}) as batch:
        holders, ended = set(), threading.Event()

        def look() -> None:
            while not ended.is_set():
                holders.add(holder_of(tmp_path))

        looker = threading.Thread(target=look)
        looker.start()
        try:
            for _ in range(3):
                batch.reset()
        finally:
            ended.set()
            looker.join()
        assert holders == {os.getpid()}
    assert holder_of(tmp_path) is None


def test_a_temporary_folder_and_all_processes_are_gone_after_the_end() -> None:
    with LocalBatch() as batch:
        batch.client.create_pool(a_pool("p", 1))
        batch.client.create_job(a_job("j", "p"))
        # A length that no other run of these tests has at the same time.
        command = f"sleep {100_000 + os.getpid()}"
        batch.client.create_task("j", a_task("t", f"exec {command}"))
        until(lambda: batch.client.get_task("j", "t"), lambda task: task.state == "running")
        folder = Path(batch.status()["dataDir"])
        assert folder.is_dir()
    assert not folder.exists()
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert command not in processes
    batch.stop()


def test_what_does_not_run_says_so() -> None:
    batch = LocalBatch()
    for use in (batch.reset, batch.status, batch.clock.now, lambda: batch.endpoint, batch.faults.clear):
        with pytest.raises(NotRunningError, match="with LocalBatch"):
            use()
    with batch, pytest.raises(NotRunningError, match="already"):
        batch.start()
    with pytest.raises(FaultsError), LocalBatch(faults={"requests": "none"}):
        pass


def test_no_secret_is_shown() -> None:
    batch = LocalBatch(key="c2VjcmV0", storage="AccountKey=secret;")
    assert "c2VjcmV0" not in repr(batch)
    assert "secret" not in repr(batch.storage)


def test_importing_it_loads_no_server() -> None:
    code = "import sys, batch_emulator.testing, batch_emulator.testing.plugin; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"aiohttp", "orjson", "azure", "batch_emulator.service"} & set(eval(loaded))


def test_a_pool_of_a_windows_image_may_have_linux_nodes() -> None:
    with LocalBatch(windows_images_on_linux=True) as batch:
        client = batch.client
        client.create_pool({**a_pool("p", 1), "virtualMachineConfiguration": WINDOWS})
        client.create_job(a_job("j", "p"))
        client.create_task("j", {"id": "portable", "commandLine": "uname"})
        client.create_task("j", {"id": "cmd", "commandLine": 'cmd /c "echo hello"'})
        until(lambda: batch.status()["tasks"], lambda tasks: tasks["succeeded"] + tasks["failed"] == 2)
        written = b"".join(client.download_task_file("j", "portable", "stdout.txt"))
        assert written.strip() == b"Linux"
        failure = client.get_task("j", "cmd").execution_info.failure_info
        assert failure.code == "CommandProgramNotFound"


def test_nodes_may_be_simulated_on_a_clock_that_stands() -> None:
    with LocalBatch(simulate={"bootSeconds": 60, "taskSeconds": 600}) as batch:
        client = batch.client
        began = batch.clock.now()
        client.create_pool(a_pool("p", 2))
        assert [node.state.value for node in client.list_nodes("p")] == ["creating", "creating"]
        batch.clock.advance(60)
        assert [node.state.value for node in client.list_nodes("p")] == ["idle", "idle"]
        client.create_job(a_job("j", "p"))
        for number in range(5):
            client.create_task("j", {"id": f"t{number}", "commandLine": "anything"})
        own = [{"name": "SIMULATED_SECONDS", "value": "30"}, {"name": "SIMULATED_EXIT_CODE", "value": "7"}]
        client.create_task("j", {"id": "t5", "commandLine": "anything", "environmentSettings": own})
        batch.clock.advance(599)
        assert batch.status()["tasks"]["running"] == 2
        batch.clock.run_until_done()
        assert batch.clock.now() - began == timedelta(seconds=60 + 3 * 600)
        task = client.get_task("j", "t5")
        assert (task.execution_info.exit_code, task.execution_info.result) == (7, "failure")
        span = task.execution_info.end_time - task.execution_info.start_time
        assert abs(span - timedelta(seconds=30)) < timedelta(milliseconds=1)
        with pytest.raises(HttpResponseError, match=r"NodeNotFound|TaskFiles"):
            list(client.list_task_files("j", "t5"))
        batch.reset()
        assert list(client.list_pools()) == []
        batch.clock.run_until_done()


def test_simulated_nodes_are_evicted_by_the_same_faults() -> None:
    faults = {"seed": 4, "nodes": [{"fault": "preemption", "perNodeHour": 6, "awaySeconds": 300}]}
    with LocalBatch(simulate={"taskSeconds": 300}, faults=faults) as batch:
        batch.client.create_pool(a_wire_pool("p", targetDedicatedNodes=0, targetLowPriorityNodes=4))
        batch.client.create_job(a_job("j", "p"))
        for number in range(20):
            batch.client.create_task("j", a_task(f"t{number}", "exit 0"))
        batch.clock.run_until_done()
        assert batch.status()["tasks"]["succeeded"] == 20
        assert batch.faults.counts()["nodes"][0]["struck"] > 0


def test_simulated_nodes_wait_for_a_region_that_has_more_in_a_while() -> None:
    faults = {"capacity": [{"lowPriorityNodes": 1, "code": "AllocationTimedout", "awaySeconds": 700}]}
    with LocalBatch(simulate={"taskSeconds": 300}, faults=faults) as batch:
        batch.client.create_pool(a_wire_pool("p", targetDedicatedNodes=0, targetLowPriorityNodes=4))
        assert batch.status()["nodes"] == {"idle": 1}
        batch.clock.advance(720)
        assert batch.status()["nodes"] == {"idle": 4}


def test_real_nodes_do_not_run_ahead(batch: LocalBatch) -> None:
    with pytest.raises(BatchError, match="OperationInvalidForCurrentState"):
        batch.clock.run_until_done()


def test_an_azurite_of_its_own_holds_the_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # As `npm install -g azurite` leaves it: a program on the PATH, and its runtime.
    binaries = (ROOT / "demo" / "azurite" / "node_modules" / ".bin", Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, binaries), os.environ["PATH"]]))
    with Azurite() as storage, LocalBatch(storage=storage) as batch, storage.blobs() as blobs:
        blobs.create_container("inputs").upload_blob("in.txt", b"from a blob")
        batch.client.create_pool(a_pool("p", 1))
        batch.client.create_job(a_job("j", "p"))
        inputs = {"resourceFiles": [{"autoStorageContainerName": "inputs"}]}
        batch.client.create_task("j", {"id": "t", "commandLine": "/bin/cat in.txt", **inputs})
        until(lambda: batch.client.get_task("j", "t"), lambda task: task.state == "completed")
        assert b"".join(batch.client.download_task_file("j", "t", "stdout.txt")) == b"from a blob"
        storage.empty()
        assert list(blobs.list_containers()) == []
    port = urlsplit(blobs.url).port
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port or 0), 5)
