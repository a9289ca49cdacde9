"""Setting damaged videos aside, in a real storage account; what Airflow tells is given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from transcoding import rejects

from demo.stack.accounts import StorageAccount
from tests.connections import connection_to

pytestmark = pytest.mark.slow

WORDS = "transcode probe failed with exit code 65\nWhat happened: It is empty: 0 bytes.\n"


class Run:
    """A DAG run as far as the task looks at it, and the storage account that it works with.

    Parameters:
        service: the account.
    """

    def __init__(self, service: BlobServiceClient) -> None:
        self.service = service
        self.videos: list[dict[str, Any]] = []
        self.states: dict[str, str] = {}
        self.failures: dict[int, dict[str, Any]] = {}
        self.event = SimpleNamespace(extra={})

    def video(self, name: str, state: str, *, exit_code: int = 65) -> dict[str, Any]:
        """An uploaded video whose task has ended."""
        index = len(self.videos)
        self.put("incoming", name, name)
        blob = self.service.get_blob_client("incoming", name)
        etag = blob.get_blob_properties().etag.strip('"')
        self.videos.append({"name": name, "url": blob.url, "etag": etag})
        self.states[f"transcode_{index}"] = state
        if state == "failed":
            self.put("batch-work", f"job-{index}/probe/stderr.txt", WORDS)
            work = f"batch-work/job-{index}"
            self.failures[index] = {
                "job_id": f"job-{index}",
                "exit_codes": {"probe": exit_code},
                "work": work,
            }
        return self.videos[-1]

    def put(self, container: str, name: str, text: str) -> None:
        self.service.get_blob_client(container, name).upload_blob(text, overwrite=True)

    def rejected(self) -> dict[str, bytes]:
        container = self.service.get_container_client("rejected")
        if not container.exists():
            return {}
        return {name: container.download_blob(name).readall() for name in container.list_blob_names()}

    def set_aside(self) -> Any:
        return rejects.set_aside.function(self.videos, "transcode")

    def context(self) -> dict[str, Any]:
        ti = SimpleNamespace(
            dag_id="videos",
            get_task_states=lambda dag_id, task_ids, run_ids: {run_ids[0]: dict(self.states)},
            xcom_pull=lambda task_ids, key, map_indexes: self.failures.get(map_indexes),
        )
        events = {rejects.REJECTED_VIDEOS: self.event}
        return {"ti": ti, "run_id": "run", "outlet_events": events}


@pytest.fixture
def run(azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", connection_to(azurite))
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        there = [container.name for container in service.list_containers()]
        for name in ("incoming", "batch-work"):
            if name not in there:
                service.create_container(name)
        if "rejected" in there:
            blobs = service.get_container_client("rejected")
            for name in blobs.list_blob_names():
                blobs.delete_blob(name)
        made = Run(service)
        monkeypatch.setattr(rejects, "get_current_context", made.context)
        yield made


def test_a_damaged_video_is_copied_with_its_reason_and_again_is_the_same(run: Run) -> None:
    run.video("good.mp4", "success")
    bad = run.video("day/bad.mp4", "failed")
    told = run.set_aside()
    first = run.rejected()
    assert set(first) == {"day/bad.mp4", "day/bad.mp4.reason.json"}
    assert first["day/bad.mp4"] == b"day/bad.mp4"
    (reason,) = told
    assert json.loads(first["day/bad.mp4.reason.json"]) == reason
    assert reason == {
        **bad,
        "reason": "It is empty: 0 bytes.",
        "batch_task": "probe",
        "exit_code": 65,
        "stderr": WORDS.splitlines(),
        "job_id": "job-1",
        "run_id": "run",
        "copied": True,
    }
    assert run.event.extra == {
        "videos": [{"name": bad["name"], "url": bad["url"], "reason": reason["reason"]}]
    }
    assert run.set_aside() == told
    assert run.rejected() == first


def test_another_failure_fails_the_run_and_damaged_videos_are_set_aside_all_the_same(run: Run) -> None:
    run.video("bad.mp4", "failed")
    run.video("unlucky.mp4", "failed", exit_code=70)
    with pytest.raises(rejects.AirflowFailException, match=r"1 task\(s\) .*: transcode_1\.\n"):
        run.set_aside()
    assert set(run.rejected()) == {"bad.mp4", "bad.mp4.reason.json"}
    assert run.event.extra == {}


def test_only_the_version_that_was_judged_is_copied(run: Run) -> None:
    run.video("bad.mp4", "failed")
    run.put("incoming", "bad.mp4", "uploaded again, and well")
    (reason,) = run.set_aside()
    assert reason["copied"] is False
    assert set(run.rejected()) == {"bad.mp4.reason.json"}


def test_a_video_that_was_named_by_hand_is_copied_as_it_is_now(run: Run) -> None:
    run.video("bad.mp4", "failed")["etag"] = ""
    (reason,) = run.set_aside()
    assert reason["copied"] is True
    assert run.rejected()["bad.mp4"] == b"bad.mp4"


def test_without_damage_the_task_is_skipped(run: Run) -> None:
    run.video("good.mp4", "success")
    with pytest.raises(rejects.AirflowSkipException):
        run.set_aside()
    assert run.rejected() == {}


def test_a_claim_that_failed_fails_the_run(run: Run) -> None:
    run.states = {"transcode": "upstream_failed"}
    with pytest.raises(rejects.AirflowFailException, match="transcode"):
        rejects.set_aside.function(None, "transcode")
