"""Failures that users found hidden, wrong or unexplained; each on a real emulator with the real client."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from typing import Any

import pytest
from azure.batch import BatchClient
from azure.storage.blob import (
    AccountSasPermissions,
    BlobServiceClient,
    ResourceTypes,
    generate_account_sas,
)

from airflow_batch_provider.client.connect.clients import open_batch_client
from airflow_batch_provider.client.connect.secret import Secret
from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.client.connect.storage_settings import StorageSettings
from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.client.jobs.watching import Watch
from airflow_batch_provider.client.pools.pool_causes import explain_resize
from airflow_batch_provider.client.pools.pool_views import PoolView, ServiceFault
from airflow_batch_provider.client.requests.drive import Driver
from airflow_batch_provider.client.requests.failures import task_failure
from airflow_batch_provider.client.requests.job_requests import terminate_job
from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.client.requests.request_errors import request_error
from airflow_batch_provider.client.watching.streams import Follower
from airflow_batch_provider.exceptions import BatchJobFailedError, BatchJobHopelessError
from airflow_batch_provider.spec import JobGraph, SpecError, blob, shell
from demo.stack.accounts import BatchAccount, StorageAccount
from tests.airflow_batch_provider.jobs.conftest import Jobs
from tests.airflow_batch_provider.jobs.running import to_the_end

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

IDENTITY = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nodes"
)


def one(command: str, **options: Any) -> JobGraph:
    graph = JobGraph()
    graph.task("t", command, **options)
    return graph


def failure_of(jobs: Jobs, pool: str, graph: JobGraph, **options: Any) -> BatchJobFailedError:
    with pytest.raises(BatchJobFailedError) as caught:
        to_the_end(jobs.run(graph, pool, **options))
    return caught.value


@pytest.fixture(scope="module")
def failed_with_output(request: pytest.FixtureRequest) -> str:
    """The text of a job whose command ended with code 3 after saying why."""
    batch, storage = request.getfixturevalue("batch"), request.getfixturevalue("storage")
    graph = one(shell("echo reading; echo out of range >&2; exit 3"), max_retries=1)
    return str(failure_of(Jobs(batch, storage, []), request.getfixturevalue("pool"), graph))


def test_pain_040_a_failed_task_is_never_a_success(jobs: Jobs, pool: str) -> None:
    assert failure_of(jobs, pool, one(shell("exit 1"))).layer == "command"


def test_a_task_that_is_refused_before_its_start_is_not_said_to_have_lost_its_output(
    emulator: BatchAccount, storage: StorageAccess, pool: str, caplog: pytest.LogCaptureFixture
) -> None:
    graph = one("/bin/true", user="renderer")
    settings = BatchSettings.from_connection("azurebatch", emulator.endpoint, emulator.name, emulator.key, {})
    with open_batch_client(settings) as client:
        error = failure_of(Jobs(client, storage, []), pool, graph)
    assert error.codes == ("UserAccountNotFound",)
    assert "Its command was never started: there is no output" in str(error)
    assert not [record for record in caplog.records if record.exc_info]


def test_pain_041_nor_is_it_when_other_tasks_of_the_job_did_well(jobs: Jobs, pool: str) -> None:
    graph = JobGraph()
    graph.task("good", "/bin/true")
    graph.task("bad", shell("exit 1"))
    text = str(failure_of(jobs, pool, graph, on_task_failure="continue"))
    assert "of 2 tasks 1 failed, 1 succeeded" in text


def test_pain_043_a_success_is_never_a_failure(jobs: Jobs, pool: str) -> None:
    _, summary = to_the_end(jobs.run(one(shell("echo well >&2; exit 0")), pool))
    assert summary["tasks"] == {"total": 1, "succeeded": 1, "failed": 0}


def test_pain_044_what_died_again_and_again_says_how_often_and_why(failed_with_output: str) -> None:
    assert "exit code 3" in failed_with_output
    assert "try 2" in failed_with_output
    assert "| out of range" in failed_with_output


def test_pain_045_the_failure_information_of_batch_is_shown(failed_with_output: str) -> None:
    assert "usererror/FailureExitCode" in failed_with_output


def test_pain_046_a_failed_upload_has_a_cause(jobs: Jobs, pool: str) -> None:
    graph = one(shell("echo x > out"), outputs={"out": blob("no-such-container-here/out")})
    error = failure_of(jobs, pool, graph)
    assert error.layer == "upload"
    assert "the container for the task's outputs does not exist" in str(error)


def test_outputs_that_storage_refuses_fail_for_good_and_say_why(
    batch: BatchClient, azurite: StorageAccount, pool: str
) -> None:
    """The connection's SAS is for containers, and for none of the blobs in them."""
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        service.create_container(container := f"refused-{uuid.uuid4().hex[:8]}")
    sas = generate_account_sas(
        azurite.name,
        azurite.key,
        ResourceTypes(container=True),
        AccountSasPermissions(read=True, list=True, create=True, write=True),
        dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=1),
    )
    settings = StorageSettings(azurite.blob_endpoint, azurite.name, sas_token=Secret(sas))
    graph = one(shell("echo x > out"), outputs={"out": blob(f"{container}/out")}, keep_logs=False)
    error = failure_of(Jobs(batch, StorageAccess(settings), []), pool, graph)
    assert isinstance(error, BatchJobHopelessError)
    assert (error.codes, error.layer) == (("FileUploadAccessDenied",), "upload")
    assert "storage refused the task's outputs" in str(error)
    assert container in str(error)
    assert "sig=" not in str(error)


def test_pain_051_a_job_that_is_gone_is_not_waited_for(
    jobs: Jobs, empty_pool: str, batch: BatchClient
) -> None:
    run = jobs.run(one("/bin/true"), empty_pool)
    claim = run.claim()
    run.fill(claim)
    batch.begin_delete_job(claim.job_id, polling_interval=0.2).result()
    watch = Watch(claim.job_id, 1, (), time.time() + 60)
    assert run.wait(watch, Follower(claim.job_id, False)) == "gone"
    with pytest.raises(BatchJobFailedError, match="does not exist any more"):
        run.finish(claim)


def test_pain_052_a_task_that_was_started_again_is_counted_once(jobs: Jobs, pool: str) -> None:
    again = shell('f=$AZ_BATCH_NODE_SHARED_DIR/$AZ_BATCH_JOB_ID; test -e "$f" || { touch "$f"; exit 1; }')
    _, summary = to_the_end(jobs.run(one(again, max_retries=4), pool))
    assert summary["tasks"] == {"total": 1, "succeeded": 1, "failed": 0}


def test_pain_057_retries_are_batchs_own_and_told(failed_with_output: str) -> None:
    assert "try 2" in failed_with_output


def test_pain_062_a_full_disk_is_called_so() -> None:
    meaning = task_failure("DiskFull")
    assert "disk is full" in meaning.happened
    assert "VM size with more local disk" in meaning.next_step


def test_pain_063_a_quota_is_not_hidden_behind_another_error() -> None:
    errors = (ServiceFault("AllocationFailed", "x"), ServiceFault("AccountCoreQuotaReached", "y"))
    explained, fatal, layer = explain_resize(PoolView("p", "active", "steady", 0, 4, False, errors))
    assert (fatal, layer) == (True, Layer.QUOTA)
    assert "quota of dedicated cores is used up" in explained.cause


def test_pain_064_a_failure_comes_with_its_output_and_where_all_of_it_is(failed_with_output: str) -> None:
    assert "| reading" in failed_with_output
    assert "What the tasks kept is in batch-work/" in failed_with_output


def test_pain_066_a_command_that_cannot_be_started_is_final_and_explained(jobs: Jobs, pool: str) -> None:
    error = failure_of(jobs, pool, one("no-such-program"))
    assert isinstance(error, BatchJobHopelessError)
    assert "Next step:" in str(error)


def test_pain_067_empty_output_is_said_to_be_empty(jobs: Jobs, pool: str) -> None:
    text = str(failure_of(jobs, pool, one(shell("exit 2"))))
    assert "stderr.txt is empty" in text
    assert "stdout.txt is empty" in text


def test_pain_068_an_upload_that_fails_for_another_reason_says_which_and_what_to_do(
    batch: BatchClient, azurite: StorageAccount, pool: str
) -> None:
    """The connection names an identity of nodes, and the pool does not have it."""
    settings = StorageSettings.from_connection_string(azurite.connection_string)
    jobs = Jobs(batch, StorageAccess(settings, node_identity=IDENTITY), [])
    graph = one(shell("echo x > out"), outputs={"out": blob("identified/out")}, keep_logs=False)
    error = failure_of(jobs, pool, graph)
    assert (error.codes, error.layer) == (("FileUploadMiscError",), "upload")
    assert f"The identity '{IDENTITY}' is not assigned to the pool" in str(error)
    assert "Next step:" in str(error)


def test_pain_069_a_task_that_is_too_large_is_told_with_what_to_do() -> None:
    meaning = request_error("RequestBodyTooLarge")
    assert "larger than a request may be" in meaning.happened
    assert "one input" in meaning.next_step


def test_pain_070_an_environment_setting_without_a_value_is_an_error_at_parse() -> None:
    with pytest.raises(SpecError, match="EMPTY"):
        one("/bin/true", environment={"EMPTY": None})


def test_pain_072_the_deadline_is_one_moment_and_not_a_length(
    jobs: Jobs, empty_pool: str, batch: BatchClient
) -> None:
    run = jobs.run(one("/bin/true"), empty_pool)
    claim = run.claim()
    run.fill(claim)
    watch = Watch(claim.job_id, 1, (), time.time() - 1)
    assert run.wait(watch, Follower(claim.job_id, False)) == "timeout"
    Driver(batch, lambda say: None).run(terminate_job(claim.job_id, "TestEnded"))


def test_pain_073_a_command_that_fails_now_and_then_is_retried_by_batch(failed_with_output: str) -> None:
    assert "try 2" in failed_with_output


def test_pain_074_what_can_never_go_on_is_not_waited_for(jobs: Jobs, pool: str) -> None:
    graph = JobGraph()
    bad = graph.task("bad", shell("exit 1"))
    bad >> graph.task("child", "/bin/true")
    text = str(failure_of(jobs, pool, graph, on_task_failure="continue"))
    assert "1 never ran because a task they wait for failed" in text


# Jobs that stay, and what they cost.


def ended(batch: BatchClient, job_id: str) -> Any:
    return batch.get_job(job_id)


def test_pain_115_a_job_ends_as_soon_as_its_tasks_have(jobs: Jobs, pool: str, batch: BatchClient) -> None:
    claim, _ = to_the_end(jobs.run(one("/bin/true"), pool))
    job = ended(batch, claim.job_id).as_dict()
    assert (job["state"], job["executionInfo"]["terminateReason"]) == ("completed", "AllTasksComplete")


def test_pain_117_nor_does_it_stay_active_after_a_failure(jobs: Jobs, pool: str, batch: BatchClient) -> None:
    error = failure_of(jobs, pool, one(shell("exit 1")))
    assert ended(batch, error.job_id).state == "completed"


def test_pain_118_and_needs_no_clean_up_that_could_fail(
    jobs: Jobs, empty_pool: str, batch: BatchClient
) -> None:
    run = jobs.run(one("/bin/true"), empty_pool)
    claim = run.claim()
    run.fill(claim)
    assert ended(batch, claim.job_id).all_tasks_complete_mode == "terminatejob"
    run.terminate(claim.job_id, "TestEnded")


def test_pain_119_a_job_has_a_limit_of_time_if_its_client_dies(
    jobs: Jobs, empty_pool: str, batch: BatchClient
) -> None:
    run = jobs.run(one("/bin/true"), empty_pool)
    claim = run.claim()
    limits = ended(batch, claim.job_id).constraints
    assert limits.max_wall_clock_time.total_seconds() == 24 * 3600
    run.terminate(claim.job_id, "TestEnded")


def test_pain_114_a_quota_of_jobs_is_told_with_what_uses_it_up() -> None:
    meaning = request_error("ActiveJobAndScheduleQuotaReached")
    assert (meaning.layer, meaning.final) == (Layer.QUOTA, False)
    assert "active jobs" in meaning.happened


def test_pain_121_an_operator_leaves_no_active_job(jobs: Jobs, pool: str, batch: BatchClient) -> None:
    claim, _ = to_the_end(jobs.run(one("/bin/true"), pool))
    active = [job.id for job in batch.list_jobs(filter="state eq 'active'")]
    assert claim.job_id not in active


def test_pain_125_the_pool_is_named_with_the_result(jobs: Jobs, pool: str) -> None:
    _, summary = to_the_end(jobs.run(one("/bin/true"), pool))
    assert summary["pool_id"] == pool
