"""A burst of raw files, many of them bad: each row is loaded or set aside once, and all of it is told."""

from __future__ import annotations

import gzip
from collections import Counter
from typing import Any

import pytest
from azure.storage.blob import ContainerClient, StandardBlobTier
from azure.storage.queue import QueueServiceClient

from demo.etl import INGEST, SCHEDULED, damaged
from demo.flights import land, land_reference, raw_files
from demo.reckoning import ask, reckon
from demo.stack import LocalStack
from demo.stack.airflow_client import DagRun
from tests.e2e.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

WITHDRAW = "flights_withdraw"
GOOD, SPOILT, LOST = "2013-06-01", "2013-06-02", "2013-06-03"
SENT_TWICE = f"flights/{GOOD}/JFK.csv"
UNREADABLE, WRONG_HEADER, BAD_ROWS = (f"flights/{SPOILT}/{origin}.csv" for origin in ("LGA", "EWR", "JFK"))
COPY = f"flights/{SPOILT}/JFK (1).csv.gz"
OUT_OF_REACH = f"flights/{LOST}/EWR.csv"
NO_DAY = ("flights/2013-06-00/JFK.csv", "flights/JFK.csv")
SECONDS = 120.0


def test_a_burst_of_good_and_bad_files_is_loaded_set_aside_and_told_of(stack: LocalStack) -> None:
    right = raw_files([GOOD, SPOILT, LOST])
    header = right[BAD_ROWS].splitlines()[0]
    swapped, bad_rows = header.replace("origin,dest", "dest,origin"), damaged(right[BAD_ROWS])
    sent: dict[str, str | bytes] = {
        **right,
        UNREADABLE: gzip.compress(right[UNREADABLE].encode(), mtime=0),
        WRONG_HEADER: right[WRONG_HEADER].replace(header, swapped),
        BAD_ROWS: bad_rows,
        COPY: gzip.compress(right[BAD_ROWS].encode(), mtime=0),
    }
    land_reference(stack.storage)
    before = {run.run_id for run in stack.airflow.dag_runs(INGEST)}
    with ContainerClient.from_connection_string(stack.storage.connection_string, "raw") as raw:
        raw.upload_blob(
            OUT_OF_REACH, right[OUT_OF_REACH].encode(), standard_blob_tier=StandardBlobTier.ARCHIVE
        )  # what no task can read, until it is brought back
        land(stack.storage, {name: content for name, content in sent.items() if name != OUT_OF_REACH})
        land(stack.storage, {SENT_TWICE: right[SENT_TWICE], **dict.fromkeys(NO_DAY, "a,b\n1,2\n")})
        taken = _settled(stack, before, raw, Counter([*sent, *NO_DAY, SENT_TWICE]))

        # What is there, asked of the warehouse and of the source.
        found = {day: reckon(stack, day, sent) for day in (GOOD, SPOILT, LOST)}
        assert found[GOOD].is_right, found
        assert found[SPOILT].is_right, found
        assert (found[GOOD].quarantined, found[LOST].ledger, found[LOST].loaded) == (0, 0, 0)
        assert _set_aside(stack) == {
            UNREADABLE: ({"the file is no text in UTF-8"}, 1),
            WRONG_HEADER: (
                {f"the file does not begin with its header, but with: {swapped}"},
                len(right[WRONG_HEADER].splitlines()),
            ),
            BAD_ROWS: (
                {
                    "year is no INTEGER: 20x3",
                    f"the row has {bad_rows.splitlines()[2].count(',') + 1} fields, not 19",
                    "line 4 has the same time_hour, carrier, flight",
                },
                3,
            ),
            COPY: ({"the name of the file is not <airport>.csv, such as JFK.csv"}, 1),
        }

        # What the runs say of it.
        reports = {run_id: stack.airflow.xcom(INGEST, run_id, "load") or [] for run_id in taken}
        last = {entry["day"]: entry for _, report in sorted(reports.items()) for entry in report}
        for day in (GOOD, SPOILT):
            assert (last[day]["raw"], last[day]["good"], last[day]["quarantined"]) == (
                found[day].sent,
                found[day].loaded,
                found[day].quarantined,
            )
        for run_id, report in reports.items():
            assert _announced(stack, run_id) == [entry["day"] for entry in report if entry["loaded"]]
        assert {day for run_id in taken for day in _announced(stack, run_id)} == {GOOD, SPOILT}
        _failures_are_told(stack, taken)
        wait_until(stack, "no message is left", lambda: _left(stack) == {"flight-files": 0}, SECONDS)

        # A file is withdrawn, a day is, and a day is put right.
        raw.delete_blobs(COPY, OUT_OF_REACH, *(name for name in right if f"/{GOOD}/" in name))
        del sent[COPY]
        before |= set(taken)
        runs = {
            SPOILT: stack.airflow.trigger(SCHEDULED, {"days": [SPOILT]}),
            GOOD: stack.airflow.trigger(WITHDRAW, {"days": [GOOD]}),
        }
        land(stack.storage, {OUT_OF_REACH: right[OUT_OF_REACH]})
        _settled(stack, before, raw, Counter([OUT_OF_REACH]))
    for day, run in runs.items():
        assert stack.airflow.wait_for_run(run.dag_id, run.run_id, SECONDS, stack.check).state == "success"
        assert _announced(stack, run.run_id) == [day]
    assert {UNREADABLE, WRONG_HEADER, BAD_ROWS} == set(_set_aside(stack))
    now = {day: reckon(stack, day, sent if day != GOOD else {}) for day in (GOOD, SPOILT, LOST)}
    assert all(reckoning.is_right for reckoning in now.values()), now
    assert (now[SPOILT].quarantined, now[LOST].quarantined) == (found[SPOILT].quarantined - 1, 0)
    wait_until(stack, "no message is left", lambda: _left(stack) == {"flight-files": 0}, SECONDS)


def _settled(
    stack: LocalStack, before: set[str], raw: ContainerClient, files: Counter[str]
) -> dict[str, list[str]]:
    """Wait until new runs have taken what is there of these blobs, and have ended. Gives what each took."""
    there = {
        (blob.name, blob.etag.strip('"'))
        for blob in raw.list_blobs(name_starts_with="flights/")
        if blob.name in files
    }

    def taken() -> dict[str, list[tuple[str, str]]]:
        return {
            run.run_id: [(blob["name"], blob["etag"]) for blob in blobs]
            for run in _new(stack, before)
            if (blobs := stack.airflow.xcom(INGEST, run.run_id, "new_files"))
        }

    def all_taken() -> bool:
        return there <= {version for versions in taken().values() for version in versions}

    wait_until(stack, "all files are taken", all_taken, SECONDS)
    wait_until(
        stack, "all runs have ended", lambda: all(run.has_ended for run in _new(stack, before)), SECONDS
    )
    found = taken()
    every = Counter(version for versions in found.values() for version in versions)
    assert set(every.values()) == {1}
    assert Counter(name for name, _ in every) <= files
    return {run_id: [name for name, _ in versions] for run_id, versions in found.items()}


def _new(stack: LocalStack, before: set[str]) -> list[DagRun]:
    return [run for run in stack.airflow.dag_runs(INGEST) if run.run_id not in before]


def _set_aside(stack: LocalStack) -> dict[str, tuple[set[str], int]]:
    """Of each file of these days the first reasons and the number of its rows."""
    rows = ask(
        stack,
        "select file, list(distinct reasons[1]), count(*) from quarantine "
        "where flight_date between $1 and $2 group by 1",
        GOOD,
        LOST,
    )
    return {file: (set(reasons), count) for file, reasons, count in rows}


def _announced(stack: LocalStack, run_id: str) -> list[str]:
    """The days in the events of the asset that a run has made."""
    found = stack.airflow.call("GET", "/assets/events", params={"source_run_id": run_id})["asset_events"]
    return [day for event in found for day in event["extra"].get("days", ())]


def _failures_are_told(stack: LocalStack, taken: dict[str, list[str]]) -> None:
    """Those runs have failed, and say why, that took a file of no day or of the day that was not made."""
    for run_id, names in taken.items():
        states = {task.task_id: task.state for task in stack.airflow.task_instances(INGEST, run_id)}
        expected = set()
        if without_day := [name for name in NO_DAY if name in names]:
            expected.add("files_of_no_day")
            log = stack.airflow.log(INGEST, run_id, "files_of_no_day")
            assert all(f"/raw/{name}" in log for name in without_day)
        if any(f"/{LOST}/" in name for name in names):
            teller = "all_days" if states["load"] == "success" else "load"  # which had nothing else to load
            expected |= {"transform", teller}
            assert f"{LOST} was not made" in stack.airflow.log(INGEST, run_id, teller)
        assert {task for task, state in states.items() if state == "failed"} == expected
        assert stack.airflow.dag_run(INGEST, run_id).state == ("failed" if expected else "success")


def _left(stack: LocalStack) -> dict[str, Any]:
    """The messages in the queue of raw files, and in that of its poison if there is one."""
    with QueueServiceClient.from_connection_string(stack.storage.connection_string) as service:
        names = [queue.name for queue in service.list_queues(name_starts_with="flight-files")]
        return {
            name: service.get_queue_client(name).get_queue_properties().approximate_message_count
            for name in names
        }
