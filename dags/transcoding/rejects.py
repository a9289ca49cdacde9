"""What becomes of videos that cannot be transcoded: they are set aside, each with its reason beside it.

A damaged video is no fault of those who run this: it must not wake them. Everything else must.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow.sdk import Asset, get_current_context, task

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.spec import blob
from transcoding.node.errors import ExitCode

try:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
except ImportError:  # Airflow 3.1 keeps them elsewhere
    from airflow.exceptions import (  # type: ignore[no-redef]
        AirflowFailException,
        AirflowSkipException,
    )

__all__ = ["REJECTED", "REJECTED_VIDEOS", "damage_found_by", "reason_in", "set_aside", "unsettled"]

REJECTED = "rejected"
REJECTED_VIDEOS = Asset(name="rejected_videos")
STDERR_BYTES = 1_000_000
STDERR_LINES = 40
_WHAT = "What happened: "
_SETTLED = ("success", "skipped", "removed")

log = logging.getLogger(__name__)


@task(trigger_rule="all_done", outlets=[REJECTED_VIDEOS])
def set_aside(videos: Sequence[Mapping[str, Any]] | None, transcode: str) -> list[dict[str, Any]]:
    """Copy each damaged video of the run to `rejected`, with the reason; again is the same.

    It is the last task, so its state is the run's: well if each video was transcoded or set aside.

    Args:
        videos: XCom of the claim; None if that failed.
        transcode: id of the mapped task that has transcoded them.

    Returns:
        the reasons.

    Raises:
        AirflowSkipException: every video was transcoded.
        AirflowFailException: a video was not, and that is not the video's fault.
    """
    context = get_current_context()
    ti: Any = context["ti"]
    run_id = context["run_id"]
    states = ti.get_task_states(dag_id=ti.dag_id, task_ids=[transcode], run_ids=[run_id])[run_id]
    rejected = []
    for index, video in enumerate(videos or ()):
        if states.get(f"{transcode}_{index}") != "failed":
            continue
        failure = ti.xcom_pull(task_ids=transcode, key="failure", map_indexes=index)
        if (found_by := damage_found_by(failure)) is not None:
            rejected.append(_put_aside(video, failure, found_by, run_id))
            states[f"{transcode}_{index}"] = "success"
    if open_ends := unsettled(states):
        raise AirflowFailException(
            f"{len(open_ends)} task(s) neither transcoded their video nor found it damaged: "
            f"{', '.join(open_ends[:10])}{' ...' if len(open_ends) > 10 else ''}.\n"
            "Likely cause: their own logs tell; it is not the videos.\n"
            "Next step: mend the cause and clear the failed tasks with those downstream."
        )
    if not rejected:
        raise AirflowSkipException("No video of this run is damaged.")
    context["outlet_events"][REJECTED_VIDEOS].extra["videos"] = [
        {name: reason[name] for name in ("name", "url", "reason")} for reason in rejected
    ]
    return rejected


def damage_found_by(failure: Mapping[str, Any] | None) -> str | None:
    """The Batch task that found the video damaged; None: the job failed for another reason.

    Args:
        failure: XCom `failure` of the video's job; None if it left none.
    """
    codes: Mapping[str, int] = (failure or {}).get("exit_codes") or {}
    return next((task_id for task_id, code in codes.items() if code == ExitCode.DATA), None)


def unsettled(states: Mapping[str, str | None]) -> list[str]:
    """Task instances that left something to do, by their states as Airflow tells them."""
    return [key for key, state in states.items() if state not in _SETTLED]


def reason_in(stderr: Iterable[str]) -> str:
    """The sentence in which a step says what happened."""
    return next((line[len(_WHAT) :] for line in stderr if line.startswith(_WHAT)), "The video is damaged.")


def _put_aside(
    video: Mapping[str, Any], failure: Mapping[str, Any], found_by: str, run_id: str
) -> dict[str, Any]:
    """The original stays where it is: whoever clears its task has it transcoded again."""
    storage = AzureBatchHook().storage()
    with storage.explained():
        storage.ensure_container(REJECTED)
        log_blob = blob(f"{failure['work']}/{found_by}/stderr.txt")
        text = storage.read_blob(log_blob.container, log_blob.name, STDERR_BYTES)
        stderr = text.decode(errors="replace").splitlines()[-STDERR_LINES:]
        reason = {
            "name": video["name"],
            "url": video["url"],
            "etag": video["etag"],
            "reason": reason_in(stderr),
            "batch_task": found_by,
            "exit_code": int(ExitCode.DATA),
            "stderr": stderr,
            "job_id": failure["job_id"],
            "run_id": run_id,
            "copied": _copy(storage, video),
        }
        # Last: who finds the reason finds the video too.
        storage.upload_blob(REJECTED, f"{video['name']}.reason.json", json.dumps(reason, indent=2))
    log.warning("%s is set aside in %s: %s", video["url"], REJECTED, reason["reason"])
    return reason


def _copy(storage: Any, video: Mapping[str, Any]) -> bool:
    """Let storage itself copy the version that was judged. False: it is gone, or another account's."""
    from azure.core import MatchConditions
    from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

    if not storage.holds(blob(video["url"])):
        return False
    # A blob that was named by hand has no ETag: it is taken as it is now.
    version = {
        "source_etag": f'"{video["etag"]}"',
        "source_match_condition": MatchConditions.IfNotModified,
    }
    try:
        with storage.container_client(REJECTED) as container:
            container.get_blob_client(video["name"]).start_copy_from_url(
                video["url"], **(version if video["etag"] else {})
            )
    except (ResourceModifiedError, ResourceNotFoundError):
        log.warning("%s was replaced or deleted meanwhile: only the reason is kept", video["url"])
        return False
    return True
