from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_batch_provider.spec import JobGraph, JobManager, JobOptions, JobSchedule, SpecError, blob
from airflow_batch_provider.spec.compile import JobStorage, WorkArea
from batch_emulator.rest.contract import load_contract
from batch_emulator.rest.validation import validate_body
from tests.airflow_batch_provider.spec.access import NamedAccess

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def managed(**options: Any) -> JobGraph:
    graph = JobGraph()
    graph.task("manage", "python3 sweep.py", **{"job_manager": JobManager(), "keep_logs": False, **options})
    return graph


def a_schedule(graph: JobGraph | None = None, **fields: Any) -> JobSchedule:
    return JobSchedule("nightly", graph or managed(), fields.pop("options", JobOptions("p1")), **fields)


def test_a_schedule_says_when_and_what() -> None:
    schedule = a_schedule(
        every=timedelta(hours=6),
        not_before=NOON,
        not_after=NOON + timedelta(days=30),
        start_window=timedelta(minutes=10),
    )
    wire = schedule.to_wire({"owner": "me"}, None)
    assert validate_body(wire, "BatchJobScheduleCreateOptions", load_contract())
    assert wire["schedule"] == {
        "doNotRunUntil": "2026-01-01T12:00:00+00:00",
        "doNotRunAfter": "2026-01-31T12:00:00+00:00",
        "startWindow": "PT10M",
        "recurrenceInterval": "PT6H",
    }
    specification = wire["jobSpecification"]
    assert specification["jobManagerTask"]["commandLine"] == "python3 sweep.py"
    assert specification["onAllTasksComplete"] == "terminatejob"
    assert "id" not in specification
    assert wire["metadata"] == specification["metadata"] == [{"name": "owner", "value": "me"}]


def test_files_have_places_of_their_own() -> None:
    graph = managed(inputs={"a": blob("incoming/a")}, outputs={"b": blob("outgoing/b")})
    schedule = a_schedule(graph)
    assert schedule.needs_files
    assert not a_schedule().needs_files
    wire = schedule.to_wire({}, JobStorage(WorkArea("unused", "nightly"), NamedAccess()))
    (output,) = wire["jobSpecification"]["jobManagerTask"]["outputFiles"]
    assert output["destination"]["container"]["path"] == "b"
    assert a_schedule(options=JobOptions("p1", preparation="x")).needs_files is False


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"every": timedelta(seconds=59)}, "a minute or more"),
        ({"start_window": 60}, "a minute or more"),
        ({"not_before": datetime(2026, 1, 1)}, "with a time zone"),  # noqa: DTZ001 - the mistake
        ({"not_before": NOON, "not_after": NOON}, "it ends before it begins"),
        ({"graph": managed(job_manager=None)}, "not one job manager"),
        ({"graph": managed(keep_logs=True)}, "keep_logs=False"),
        ({"graph": managed(outputs=["a"])}, "Give it a destination"),
    ],
)
def test_a_schedule_that_cannot_work_is_refused_at_parse(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecError, match=told):
        a_schedule(**fields)


def test_jinja_in_its_command_is_rendered() -> None:
    graph = JobGraph()
    graph.task("manage", "run {{ x }}", job_manager=JobManager(), keep_logs=False)
    rendered = a_schedule(graph).rendered(lambda text: text.replace("{{ x }}", "7"))
    assert rendered.to_wire({}, None)["jobSpecification"]["jobManagerTask"]["commandLine"] == "run 7"
