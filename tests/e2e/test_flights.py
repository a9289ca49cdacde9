"""Raw files become a warehouse through a whole Airflow, and the source itself says whether it is right."""

from __future__ import annotations

import pytest

from demo.etl import INGEST, SCHEDULED, damaged
from demo.flights import land, land_reference, raw_files
from demo.reckoning import loaded_files, reckon
from demo.stack import LocalStack
from tests.e2e.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

DAYS = ("2013-03-01", "2013-03-02")
LATE, BAD = "flights/2013-03-01/JFK.csv", "flights/2013-03-02/EWR.csv"
SECONDS = 300.0


def test_files_in_any_order_a_late_one_and_a_rerun_lead_to_the_same_tables(stack: LocalStack) -> None:
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

    run = stack.airflow.trigger(SCHEDULED, {"days": list(DAYS)})
    assert stack.airflow.wait_for_run(SCHEDULED, run.run_id, SECONDS, stack.check).state == "success"
    assert [reckon(stack, day, sent) for day in DAYS] == before
    assert {run.state for run in stack.airflow.dag_runs(INGEST)} <= {"success", "running", "queued"}
