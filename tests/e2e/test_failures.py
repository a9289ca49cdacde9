"""What Airflow's log says when something is wrong: what happened, the likely cause, the next step."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest

from demo.outputs import upload
from demo.stack import LocalStack
from demo.stack.airflow import COMPONENTS
from demo.stack.airflow_client import DagRun
from tests.e2e.clips import make_clip
from tests.e2e.conftest import WRONG_KEY

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

DAG_ID = "what_goes_wrong"
END_SECONDS = 400.0
# Task -> what its log must say, in this order; between any two there may be more.
SAID = {
    "corrupt_video": (
        "Task probe: the command ended with an exit code other than 0 (exit code 65, usererror/",
        "Likely cause: The program itself reported an error; what it wrote last, if anything, says which.",
        "Next step: Read the output below.",
        "Last lines of stderr.txt:",
        "| transcode probe failed with exit code 65",
        "| What happened: ",
        "| Likely cause: It is no video, or an MP4 without its index",
        "| Next step: Play the file at its origin, upload it again",
        "moov atom not found",
    ),
    "wrong_ffmpeg_option": (
        "Task encode-180p-0000: the command ended with an exit code other than 0 (exit code 64, ",
        "Likely cause: The program itself reported an error; what it wrote last, if anything, says which.",
        "Next step: Read the output below.",
        "Last lines of stderr.txt:",
        "| transcode encode failed with exit code 64",
        "ffmpeg fails with the options -no_such_option 1, and works without them.",
        "| Likely cause: An option is misspelt",
        "| Next step: Read ffmpeg's own words below, mend the option and run again.",
        "Unrecognized option 'no_such_option'",
    ),
    # The password of a connection, which the worker masks, and after it the triggerer.
    "printed_secret": (
        "[tell] the key is ***",
        "Task tell: the command ended with an exit code other than 0 (exit code 3, ",
        "| the key is ***",
    ),
    "missing_blob": (
        "Task copy: a blob that the task reads does not exist (no exit code, usererror/BlobNotFound",
        "elsewhere/no-such.mp4",
        "Likely cause: The name is misspelled, the blob was not written yet",
        "Next step: Compare the inputs of the task with what is in the container",
    ),
    "wrong_account_key": (
        "Azure Batch does not accept the credentials (403 AuthenticationFailed: ",
        "Likely cause: The account key is wrong or was regenerated",
        "Next step: Compare login and password of the Airflow connection with the account's keys",
    ),
    "wrong_storage_key": (
        "Storage at http",
        "refused the call with 403 AuthorizationFailure",
        "Likely cause: The key does not belong to the account devstoreaccount1",
        "Next step: Compare Storage account key or Storage connection string of the connection",
    ),
    "no_quota": (
        "Pool dedicated could not be allocated: it has 0 of 1 nodes.",
        "AccountCoreQuotaReached",
        "Likely cause: The Batch account's quota of dedicated cores is used up.",
        "Next step: Ask for more quota",
    ),
}
_SIGNATURE = re.compile(r"sig=(?!\*\*\*)")


@pytest.fixture(scope="module")
def run(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> DagRun:
    """The run in which each of the tasks fails in its own way, at the same time."""
    folder = tmp_path_factory.mktemp("videos")
    good = make_clip(folder / "good.mp4", frames=25)
    corrupt = folder / "corrupt.mp4"
    corrupt.write_bytes(good.read_bytes()[:4000])
    for video in (good, corrupt):
        upload(stack.storage, "elsewhere", video.name, video)
    base = f"{stack.storage.blob_endpoint}/elsewhere"
    conf = {
        "good_video": f"{base}/good.mp4",
        "corrupt_video": f"{base}/corrupt.mp4",
        "missing_blob": "elsewhere/no-such.mp4",
    }
    started = stack.airflow.trigger(DAG_ID, conf)
    return stack.airflow.wait_for_run(DAG_ID, started.run_id, END_SECONDS, stack.check)


@pytest.fixture(scope="module")
def logs(stack: LocalStack, run: DagRun, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Log of each failed task, as the UI shows it; all of them are kept in one file for people to read."""
    found = {task_id: stack.airflow.log(DAG_ID, run.run_id, task_id) for task_id in SAID}
    text = "\n".join(f"{'=' * 30} {task_id} {'=' * 30}\n{log}\n" for task_id, log in found.items())
    (tmp_path_factory.mktemp("failures") / "as-logged.txt").write_text(text)
    return found


def test_the_wrong_tasks_fail_and_no_others(stack: LocalStack, run: DagRun) -> None:
    states = {item.task_id: item.state for item in stack.airflow.task_instances(DAG_ID, run.run_id)}
    assert states == {**dict.fromkeys(SAID, "failed"), "pool": "success", "ffmpeg_package": "success"}


@pytest.mark.parametrize("task_id", SAID)
def test_the_log_of_a_failure_reads_like_help(logs: dict[str, str], task_id: str) -> None:
    log, position = logs[task_id], 0
    for words in SAID[task_id]:
        assert words in log[position:], f"{words!r} is not (or not here) in:\n{log}"
        position = log.index(words, position) + len(words)


@pytest.mark.usefixtures("run")
def test_no_log_of_airflow_has_a_secret(stack: LocalStack) -> None:
    """Neither the logs of tasks nor what Airflow's processes print, of all tests so far."""
    files = [stack.supervisor.log_of(name) for name in COMPONENTS]
    files += (stack.airflow_settings.home / "logs").rglob("*.log")
    assert len(files) > len(COMPONENTS) + len(SAID)
    for file in files:
        assert _secrets_in(stack, file.read_text(errors="replace")) == [], file


@pytest.mark.usefixtures("run")
def test_airflows_database_has_no_secret(stack: LocalStack) -> None:
    """Neither XComs nor triggers, serialized DAGs, rendered fields or states, of all tests so far."""
    with closing(sqlite3.connect(stack.airflow_settings.home / "airflow.db")) as database:
        found = [line[:200] for line in database.iterdump() if _secrets_in(stack, line)]
    assert found == []


def _secrets_in(stack: LocalStack, text: str) -> list[str]:
    keys = {"Batch key": stack.batch.key, "storage key": stack.storage.key, "wrong key": WRONG_KEY}
    found = [name for name, key in keys.items() if key in text]
    return [*found, "signature"] if _SIGNATURE.search(text) else found
