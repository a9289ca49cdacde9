"""The ETL story: raw files land, runs start because of them, and the warehouse is judged by the source."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from demo.flights import CREDIT, land, land_reference, raw_files
from demo.following import ScenarioError, follow, wait, wait_for_dag, wait_for_watcher
from demo.reckoning import Reckoning, ask, loaded_files, reckon, warehouse_of
from demo.stack import LocalStack
from demo.view import View

__all__ = ["damaged", "tell"]

INGEST, SCHEDULED = "flights_ingest", "flights_etl"
_DAYS = ("2013-01-15", "2013-01-16", "2013-01-17")
_LATE = "flights/2013-01-16/LGA.csv"
_DAMAGED = "flights/2013-01-17/JFK.csv"
_DAMAGED_ROWS = 3
_START_SECONDS, _END_SECONDS = 60.0, 300.0


def damaged(text: str) -> str:
    """A raw file with three rows damaged: a year that is no number, a row cut short, one sent twice.

    The row that is cut short and the first one are lost to it, and the one sent twice is one more.
    """
    header, first, second, third, *rest = text.splitlines()
    return "\n".join((header, first.replace("2013", "20x3", 1), second[:20], third, third, *rest)) + "\n"


def tell(stack: LocalStack, view: View) -> None:
    """Play the story and report it.

    Raises:
        ScenarioError: something is not as it should be.
        ComponentError: a process of the stack ended.
    """
    wait_for_dag(stack, INGEST)
    wait_for_dag(stack, SCHEDULED)
    wait_for_watcher(stack, view)
    begun = datetime.now(timezone.utc)
    files = raw_files(_DAYS)
    late = files.pop(_LATE)
    sent = {**files, _LATE: late, _DAMAGED: damaged(files[_DAMAGED])}
    land_reference(stack.storage)
    land(stack.storage, {name: sent[name] for name in files})
    view.say(f"{len(files)} raw files of {len(_DAYS)} days landed, one of them with {_DAMAGED_ROWS} bad rows")
    _ingested(stack, view, begun, 1)
    view.say("A late file lands")
    land(stack.storage, {_LATE: late})
    _ingested(stack, view, begun, 2)
    _settled(stack, sent)
    view.say("The scheduled DAG makes a day again, which must change nothing")
    before = [reckon(stack, day, sent) for day in _DAYS]
    run = stack.airflow.trigger(SCHEDULED, {"days": [_DAYS[0]]})
    follow(stack, view, SCHEDULED, run, datetime.now(timezone.utc), _END_SECONDS)
    after = [reckon(stack, day, sent) for day in _DAYS]
    _report(stack, view, after)
    wrong = [reckoning for reckoning in after if not reckoning.is_right]
    if wrong or before != after:
        raise ScenarioError(f"The tables are not what was sent: {wrong or (before, after)}")


def _ingested(stack: LocalStack, view: View, since: datetime, least: int) -> None:
    """Until so many runs of the ingest have come, and all that came have ended well."""

    def runs() -> list[Any]:
        return [run for run in stack.airflow.dag_runs(INGEST) if (run.queued_at or since) >= since]

    if not wait(stack, _START_SECONDS, lambda: len(runs()) >= least):
        raise ScenarioError(f"No run of {INGEST} started within {_START_SECONDS:g} s of the files.")
    for run in runs():
        if not run.has_ended:
            view.say(f"DAG run {run.run_id} was started by them")
            follow(stack, view, INGEST, run, run.queued_at or since, _END_SECONDS)


def _settled(stack: LocalStack, sent: dict[str, str]) -> None:
    """Until every file that was sent is in the warehouse: a burst may be spread over several runs."""
    everything = set(sent)

    if not wait(stack, _END_SECONDS, lambda: everything <= loaded_files(stack)):
        raise ScenarioError(
            f"Not loaded within {_END_SECONDS:g} s: {sorted(everything - loaded_files(stack))}"
        )


def _report(stack: LocalStack, view: View, reckonings: list[Reckoning]) -> None:
    view.table(
        "Raw rows = loaded + quarantined, and every value is the source's, by an independent reckoning",
        ("day", "sent", "loaded", "quarantined", "right"),
        [
            (r.day, str(r.sent), str(r.loaded), str(r.quarantined), "yes" if r.is_right else "NO")
            for r in reckonings
        ],
    )
    view.table(
        "Quarantined rows",
        ("line", "first reason", "row"),
        [
            (f"{file}:{line}", reasons[0], row[:40])
            for file, line, reasons, row in ask(
                stack, "select file, line, reasons, row from quarantine order by file, line"
            )
        ],
    )
    view.plain()
    view.plain(f"Data: {CREDIT}")
    view.plain(f"Warehouse:      {warehouse_of(stack)}  (tables flights, quarantine, loads)")
    view.plain(
        f"Lake:           {stack.storage.blob_endpoint}/curated/flights/flight_date=.../flights.parquet"
    )
