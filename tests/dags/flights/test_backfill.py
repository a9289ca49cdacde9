"""The backfill that the documentation shows makes all the days it speaks of."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import flights_etl
import pendulum
from airflow.timetables.base import TimeRestriction

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
