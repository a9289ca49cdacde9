"""Raw files become a warehouse through a whole Airflow, and the source itself says whether it is right."""

from __future__ import annotations

import pytest

from demo.etl import INGEST, SCHEDULED, damaged
from demo.flights import land, land_reference, raw_files
from demo.reckoning import ask, loaded_files, reckon
from demo.stack import LocalStack
from demo.stack.airflow_client import DagRun
from demo.stack.emulator import NAME as EMULATOR
from tests.e2e.batch import Batch
from tests.e2e.crashing import kill, kill_component, worker_of
from tests.e2e.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

DAYS = ("2013-03-01", "2013-03-02")
LATE, BAD = "flights/2013-03-01/JFK.csv", "flights/2013-03-02/EWR.csv"
KILLED_DAYS = ("2013-04-01", "2013-04-02", "2013-04-03")
SECONDS = 300.0


def test_files_in_any_order_a_late_one_and_a_backfill_lead_to_the_same_tables(stack: LocalStack) -> None:
    sent = raw_files(DAYS)
    sent[BAD] = damaged(sent[BAD])
    land_reference(stack.storage)
    land(stack.storage, {name: text for name, text in sent.items() if name != LATE})
    first = set(sent) - {LATE}
    wait_until(stack, "the first files are loaded", lambda: first <= loaded_files(stack), SECONDS)
    land(stack.storage, {LATE: sent[LATE]})
    wait_until(stack, "the late file is loaded", lambda: set(sent) <= loaded_files(stack), SECONDS)

    before = [reckon(stack, day, sent) for day in DAYS]
    assert all(reckoning.is_right for reckoning in before), before
    assert [reckoning.quarantined for reckoning in before] == [0, 3]

    span = {"from_date": f"{DAYS[0]}T00:00:00Z", "to_date": f"{DAYS[-1]}T06:00:00Z", "run_backwards": False}
    more = {"max_active_runs": 2, "reprocess_behavior": "none", "dag_run_conf": {}}
    stack.airflow.call("POST", "/backfills", json={"dag_id": SCHEDULED, **span, **more})

    def backfill() -> list[DagRun]:
        return [run for run in stack.airflow.dag_runs(SCHEDULED) if run.run_type == "backfill"]

    def has_ended() -> bool:
        return len(backfill()) == len(DAYS) and all(run.has_ended for run in backfill())

    wait_until(stack, "the backfill has ended", has_ended, SECONDS)
    assert {run.state for run in backfill()} == {"success"}
    assert [reckon(stack, day, sent) for day in DAYS] == before
    loaders = ask(stack, "select run_id from loads where flight_date between $1 and $2", DAYS[0], DAYS[-1])
    assert {run_id for (run_id,) in loaders} == {run.run_id for run in backfill()}
    assert {run.state for run in stack.airflow.dag_runs(INGEST)} <= {"success", "running", "queued"}


def test_killed_wherever_it_is_the_run_leads_to_the_same_tables(stack: LocalStack, batch: Batch) -> None:
    """All that runs dies while the nodes work, and the worker once more while it loads.

    The files are announced too, so that both DAGs make the same days at the same time.
    """
    sent = raw_files(KILLED_DAYS)
    land_reference(stack.storage)
    land(stack.storage, sent)
    run = stack.airflow.trigger(SCHEDULED, {"days": list(KILLED_DAYS)})

    def nodes_work() -> bool:
        return any(
            task.state == "running" for job in batch.jobs(run_id=run.run_id) for task in batch.tasks(job.id)
        )

    wait_until(stack, "the nodes work", nodes_work, SECONDS, pause=0.02)
    killed = ("scheduler", "triggerer", EMULATOR)
    for name in killed:
        kill_component(stack, name)
    stack.restart(*killed)
    wait_until(stack, "the load runs", lambda: bool(worker_of(stack, run, "load")), SECONDS, pause=0.02)
    kill(worker_of(stack, run, "load"))

    assert stack.airflow.wait_for_run(SCHEDULED, run.run_id, SECONDS, stack.check).state == "success"
    (job,) = batch.jobs(run_id=run.run_id)
    assert len(batch.tasks(job.id)) == len(sent) + len(KILLED_DAYS)
    wait_until(
        stack,
        "the ingest has ended",
        lambda: all(r.has_ended for r in stack.airflow.dag_runs(INGEST)),
        SECONDS,
    )
    assert {ended.state for ended in stack.airflow.dag_runs(INGEST)} == {"success"}
    found = [reckon(stack, day, sent) for day in KILLED_DAYS]
    assert all(reckoning.is_right for reckoning in found), found
    assert [reckoning.quarantined for reckoning in found] == [0] * len(KILLED_DAYS)
