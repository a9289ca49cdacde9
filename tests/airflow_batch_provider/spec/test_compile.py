from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from azure.batch import models
from hypothesis import given
from hypothesis import strategies as st

from airflow_batch_provider.client.files.job_access import BLOB_SIGNATURES, JobAccess
from airflow_batch_provider.spec import AutoUser, JobGraph, JobOptions, SpecError, blob, on_exit, shell
from airflow_batch_provider.spec.compile import (
    JobStorage,
    WorkArea,
    compile_tasks,
    fingerprint,
    result_location,
)
from airflow_batch_provider.spec.values import iso_duration
from tests.airflow_batch_provider.spec.access import NamedAccess

WORK = WorkArea("batch-work", "job-1")


def compiled(graph: JobGraph, **options: Any) -> dict[str, dict[str, Any]]:
    return {wire["id"]: wire for wire in compile_tasks(graph, JobStorage(WORK, NamedAccess()), **options)}


def test_a_plain_task_keeps_its_streams_and_nothing_else_is_said() -> None:
    graph = JobGraph()
    graph.task("a", ["python3", "a b.py"])
    (wire,) = compiled(graph).values()
    assert wire["commandLine"] == "python3 'a b.py'"
    assert set(wire) == {"id", "commandLine", "outputFiles"}
    (streams,) = wire["outputFiles"]
    assert streams["filePattern"] == "../std*.txt"
    assert streams["uploadOptions"] == {"uploadCondition": "taskcompletion"}
    assert streams["destination"]["container"]["path"] == "job-1/a"


def test_everything_an_author_can_say_reaches_the_wire() -> None:
    graph = JobGraph()
    first = graph.task("first", "x", outputs=["parts/*.txt", "one.txt"], keep_logs=False)
    graph.task(
        "second",
        shell("a | b"),
        inputs={
            "blob": blob("incoming/b.txt"),
            "part": first.output("parts/0.txt"),
            "all": first.outputs("parts"),
            ".": blob("incoming/dir/"),
            "url": "https://example.org/x",
        },
        outputs={"out/*": blob("results/o/"), "r.json": None},
        upload_when="completion",
        result="r.json",
        environment={"A": "1"},
        max_retries=2,
        max_wall_clock=timedelta(minutes=90),
        retention=timedelta(days=1),
        required_slots=2,
        packages=["ffmpeg==7.1", "tool"],
        exit_conditions=[on_exit(1, dependency="satisfy"), on_exit(range(2, 5), job="none")],
        user=AutoUser("task", admin=True),
        display_name="Second",
        affinity="TVM:x",
        keep_logs=False,
    )
    wire = compiled(graph)["second"]
    assert wire["commandLine"] == "/bin/sh -c 'a | b'"
    files = {entry.get("filePath", "."): entry for entry in wire["resourceFiles"]}
    assert "/batch-work/job-1/first/parts/0.txt?" in files["part"]["httpUrl"]
    assert files["all"]["blobPrefix"] == "job-1/first/parts/"
    assert files["."]["blobPrefix"] == "dir/"
    assert files["url"]["httpUrl"] == "https://example.org/x"
    out, result = wire["outputFiles"]
    assert out["destination"]["container"]["path"] == "o"
    assert result["destination"]["container"]["path"] == "job-1/second/r.json"
    assert wire["constraints"] == {
        "maxWallClockTime": "PT1H30M",
        "retentionTime": "P1D",
        "maxTaskRetryCount": 2,
    }
    assert wire["exitConditions"] == {
        "exitCodes": [{"code": 1, "exitOptions": {"dependencyAction": "satisfy", "jobAction": "none"}}],
        "exitCodeRanges": [{"start": 2, "end": 4, "exitOptions": {"jobAction": "none"}}],
    }
    assert wire["userIdentity"] == {"autoUser": {"scope": "task", "elevationLevel": "admin"}}
    assert wire["applicationPackageReferences"] == [
        {"applicationId": "ffmpeg", "version": "7.1"},
        {"applicationId": "tool"},
    ]
    assert wire["dependsOn"] == {"taskIds": ["first"]}
    assert (wire["requiredSlots"], wire["displayName"]) == (2, "Second")
    assert wire["affinityInfo"] == {"affinityId": "TVM:x"}
    assert result_location(graph, "second", WORK).name == "job-1/second/r.json"


def test_the_wire_form_has_only_names_that_the_official_model_has() -> None:
    graph = JobGraph()
    graph.task("a", "x", inputs={"b": blob("incoming/b")}, environment={"A": "1"}, max_retries=1)
    task = models.BatchTaskCreateOptions(id="a", command_line="x")
    known = {field._rest_name for field in task._attr_to_rest_field.values()}
    assert set(compiled(graph)["a"]) <= known
    options = JobOptions("p1", preparation="x", release="y", environment={"A": "b"})
    job = models.BatchJobCreateOptions(id="j1", pool_info=models.BatchPoolInfo(pool_id="p1"))
    known = {field._rest_name for field in job._attr_to_rest_field.values()}
    assert set(options.wire("j1", {})) <= known


def test_a_job_action_in_a_job_that_continues_is_an_error() -> None:
    graph = JobGraph()
    graph.task("a", "x", exit_conditions=[on_exit(1, job="terminate")])
    with pytest.raises(SpecError, match="on_task_failure='continue'"):
        compiled(graph, fail_fast=False)


def test_tasks_that_are_there_are_left_out() -> None:
    graph = JobGraph()
    graph.task("One", "x")
    graph.task("two", "x")
    assert list(compiled(graph, without={"one"})) == ["two"]


def test_an_output_in_a_foreign_account_is_an_error_and_one_in_the_own_by_url_is_not() -> None:
    graph = JobGraph()
    graph.task("a", "x", outputs={"y": blob("https://acct.blob.core.windows.net/results/y")})
    compiled(graph)
    graph.task("b", "x", outputs={"y": blob("https://other.blob.core.windows.net/results/y")})
    with pytest.raises(SpecError, match="another storage account"):
        compiled(graph)


def test_a_fingerprint_follows_from_what_is_asked_for_and_not_from_signatures() -> None:
    def graph(command: str = "x", sas: str = "1") -> JobGraph:
        made = JobGraph()
        made.task("a", command, inputs={"f": f"https://example.org/f?sig={sas}"})
        return made

    options = JobOptions("p1")
    base = fingerprint(graph(), options, "work")
    assert base == fingerprint(graph(sas="2"), options, "work")
    assert base != fingerprint(graph("y"), options, "work")
    assert base != fingerprint(graph(), JobOptions("p2"), "work")
    assert base != fingerprint(graph(), options, "other")
    assert base == fingerprint(graph(), JobOptions("p1", priority=0), "work")


def test_few_signatures_are_made_however_many_tasks_there_are() -> None:
    graph = JobGraph()
    first = graph.fan_out("a", range(500), lambda i: dict(command="x", outputs=["o.txt"]))
    for task in first:
        graph.task(
            f"b-{task.id}",
            "x",
            inputs={"o": task.output("o.txt"), "i": blob(f"incoming/{task.id}")},
        )
    access = NamedAccess()
    wires = list(compile_tasks(graph, JobStorage(WORK, JobAccess(access, "batch-work"))))
    assert access.signed <= BLOB_SIGNATURES + 3
    names = [file["httpUrl"].partition("?")[0] for wire in wires for file in wire.get("resourceFiles", ())]
    assert len(set(names)) == 1000


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_durations_are_read_back_as_they_were(value: timedelta) -> None:
    from azure.batch._utils.model_base import _deserialize_duration

    assert _deserialize_duration(iso_duration(value)) == value


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pool_id": "a b"}, "pool_id"),
        ({"priority": 1001}, "-1000 to 1000"),
        ({"max_parallel_tasks": 0}, "above 0"),
        ({"release": "x"}, "no preparation"),
        ({"max_wall_clock": timedelta(0)}, "positive"),
        ({"on_task_failure": "continu"}, "Did you mean 'continue'"),
        ({"environment": {"A": 1}}, "Values are text"),
    ],
)
def test_job_options_are_checked(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(SpecError, match=expected):
        JobOptions(**{"pool_id": "p1", **options})
