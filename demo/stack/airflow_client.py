"""Airflow's REST API as far as the demo and the tests need it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

__all__ = ["AirflowClient", "AirflowError", "DagRun", "TaskInstance"]

RUN_ENDED = frozenset({"success", "failed"})
_POLL_SECONDS = 0.25
_PAGE = 100


class AirflowError(RuntimeError):
    """Airflow refused a call, or something did not happen in time."""


@dataclass(frozen=True)
class DagRun:
    """A DAG run as the API tells it."""

    run_id: str
    dag_id: str
    state: str
    run_type: str
    queued_at: datetime | None
    start_date: datetime | None
    end_date: datetime | None

    @property
    def has_ended(self) -> bool:
        """Success or failed."""
        return self.state in RUN_ENDED


@dataclass(frozen=True)
class TaskInstance:
    """A task instance as the API tells it. `state` is None before it is scheduled."""

    task_id: str
    map_index: int
    state: str | None
    try_number: int
    start_date: datetime | None
    end_date: datetime | None


def _time(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value.replace("Z", "+00:00")) if value else None


def _run(item: Mapping[str, Any]) -> DagRun:
    return DagRun(
        run_id=item["dag_run_id"],
        dag_id=item["dag_id"],
        state=item["state"],
        run_type=item["run_type"],
        queued_at=_time(item.get("queued_at")),
        start_date=_time(item.get("start_date")),
        end_date=_time(item.get("end_date")),
    )


def _instance(item: Mapping[str, Any]) -> TaskInstance:
    return TaskInstance(
        task_id=item["task_id"],
        map_index=item["map_index"],
        state=item["state"],
        try_number=item["try_number"],
        start_date=_time(item.get("start_date")),
        end_date=_time(item.get("end_date")),
    )


class AirflowClient:
    """Calls an Airflow whose users are all admins, so without a login.

    Parameters:
        url: address of the UI, e.g. `http://localhost:8080`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # A proxy of the environment must not be asked for this machine's own ports.
        self._http = httpx.Client(base_url=f"{url}/api/v2", timeout=30.0, trust_env=False)

    def close(self) -> None:
        """Close connections."""
        self._http.close()

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """Any call below `/api/v2`.

        Returns:
            The parsed JSON; None if there is no body.

        Raises:
            AirflowError: the status was not 2xx, or there was no answer.
        """
        try:
            answer = self._http.request(method, path, **kwargs)
        except httpx.HTTPError as error:
            raise AirflowError(f"{method} {path}: Airflow did not answer ({error}).") from error
        if not answer.is_success:
            raise AirflowError(f"{method} {path}: Airflow answered {answer.status_code}: {answer.text[:500]}")
        return answer.json() if answer.content else None

    def health(self) -> dict[str, str | None]:
        """Health of each component, e.g. `{"scheduler": "healthy", ...}`; empty if there is no answer."""
        try:
            return {name: part["status"] for name, part in self.call("GET", "/monitor/health").items()}
        except AirflowError:
            return {}

    def has_job_since(self, job_type: str, begin: datetime) -> bool:
        """Whether a component registered itself after a point in time and is running.

        Parameters:
            job_type: `SchedulerJob`, `TriggererJob` or `DagProcessorJob`.
            begin: with time zone.
        """
        params = {"job_type": job_type, "job_state": "running", "start_date_gte": begin.isoformat()}
        try:
            return bool(self.call("GET", "/jobs", params=params)["total_entries"])
        except AirflowError:
            return False

    def has_dag(self, dag_id: str) -> bool:
        """Whether the DAG was parsed and stored."""
        try:
            return bool(self.call("GET", f"/dags/{_q(dag_id)}"))
        except AirflowError:
            return False

    def import_errors(self) -> list[tuple[str, str]]:
        """DAG files that could not be imported: path and stack trace."""
        errors = self.call("GET", "/importErrors")["import_errors"]
        return [(item["filename"], item["stack_trace"]) for item in errors]

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run."""
        self.call("PATCH", f"/dags/{_q(dag_id)}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> DagRun:
        """Start a run by hand."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        return _run(self.call("POST", f"/dags/{_q(dag_id)}/dagRuns", json=body))

    def dag_runs(self, dag_id: str) -> list[DagRun]:
        """Runs of a DAG, oldest first, at most 100."""
        params = {"limit": _PAGE, "order_by": "run_after"}
        return [_run(item) for item in self.call("GET", _runs(dag_id), params=params)["dag_runs"]]

    def dag_run(self, dag_id: str, run_id: str) -> DagRun:
        """One run."""
        return _run(self.call("GET", f"{_runs(dag_id)}/{_q(run_id)}"))

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """All task instances of a run, mapped ones too."""
        found: list[TaskInstance] = []
        while True:
            answer = self.call(
                "GET",
                f"{_runs(dag_id)}/{_q(run_id)}/taskInstances",
                params={"limit": _PAGE, "offset": len(found)},
            )
            found += [_instance(item) for item in answer["task_instances"]]
            if len(found) >= answer["total_entries"] or not answer["task_instances"]:
                return found

    def xcom(
        self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1
    ) -> Any:
        """A value that a task returned or pushed; None if there is none."""
        path = f"{_runs(dag_id)}/{_q(run_id)}/taskInstances/{_q(task_id)}/xcomEntries/{_q(key)}"
        try:
            return self.call("GET", path, params={"map_index": map_index, "deserialize": False})["value"]
        except AirflowError as error:
            if "answered 404" in str(error):
                return None
            raise

    def log(self, dag_id: str, run_id: str, task_id: str, *, try_number: int = 1, map_index: int = -1) -> str:
        """The log of one try of a task, as lines of text."""
        path = f"{_runs(dag_id)}/{_q(run_id)}/taskInstances/{_q(task_id)}/logs/{try_number}"
        answer = self.call("GET", path, params={"map_index": map_index, "full_content": True})
        return "\n".join(_log_line(item) for item in answer["content"])

    def wait_for_run(
        self, dag_id: str, run_id: str, seconds: float, meanwhile: Callable[[], None] = lambda: None
    ) -> DagRun:
        """Wait until a run has ended.

        Parameters:
            dag_id, run_id: the run.
            seconds: how long at most.
            meanwhile: called between two looks, e.g. to notice that a component died.

        Raises:
            AirflowError: it has not ended in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            run = self.dag_run(dag_id, run_id)
            if run.has_ended:
                return run
            if time.monotonic() > deadline:
                raise AirflowError(f"Run {run_id} of {dag_id} is still {run.state} after {seconds:g} s.")
            meanwhile()
            time.sleep(_POLL_SECONDS)


def _q(part: str) -> str:
    return quote(part, safe="")


def _runs(dag_id: str) -> str:
    return f"/dags/{_q(dag_id)}/dagRuns"


def _log_line(item: Any) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    lines = [str(item["event"])]
    for error in item.get("error_detail") or ():
        frames = error.get("frames") or ()
        where = (
            f"  (in {frames[-1]['name']}, {frames[-1]['filename']}:{frames[-1]['lineno']})" if frames else ""
        )
        lines.append(f"{error['exc_type']}: {error['exc_value']}{where}")
    return "\n".join(lines)
