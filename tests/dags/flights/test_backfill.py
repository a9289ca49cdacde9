"""Which days a run of `flights_etl` makes: the backfill of the documentation makes all that it speaks of."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import flights_etl
import pendulum
import pytest
from airflow.timetables.base import TimeRestriction

from tests.airflow_batch_provider.airflow_versions import AirflowFailException

ETL = Path(__file__).parents[3] / "docs" / "etl.md"


def test_the_backfill_of_the_docs_makes_the_last_day_too() -> None:
    command = re.search(
        r"backfill create --dag-id flights_etl --from-date (\S+) --to-date (\S+)`", ETL.read_text()
    )
    assert command
    first, last = (pendulum.parse(moment) for moment in command.groups())
    assert isinstance(first, pendulum.DateTime)
    assert isinstance(last, pendulum.DateTime)

    days, interval = [], None
    restriction = TimeRestriction(first, last, catchup=True)
    while info := flights_etl.dag.timetable.next_dagrun_info(
        last_automated_data_interval=interval, restriction=restriction
    ):
        interval = info.data_interval
        days.append(interval.start.date())

    assert days == [date(2013, 1, 15) + timedelta(days=number) for number in range(17)]


@pytest.mark.parametrize(
    ("asked", "start", "days"),
    [
        ([], pendulum.datetime(2013, 1, 15, 6, tz="UTC"), ["2013-01-15"]),
        (["2013-02-01"], pendulum.datetime(2013, 1, 15, 6, tz="UTC"), ["2013-02-01"]),
        (["2013-02-01"], None, ["2013-02-01"]),
    ],
)
def test_the_days_of_a_run(asked: list[str], start: Any, days: list[str], monkeypatch: Any) -> None:
    interval = {"data_interval_start": start} if start else {}
    monkeypatch.setattr(flights_etl, "get_current_context", lambda: {"params": {"days": asked}, **interval})
    assert flights_etl.days_of_the_run.function() == days


def test_a_run_of_no_day_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights_etl, "get_current_context", lambda: {"params": {"days": []}})
    with pytest.raises(AirflowFailException, match=r"without a logical date.*the parameter days"):
        flights_etl.days_of_the_run.function()
