"""Every day, the flights of the day before: validate, transform on Batch, merge, load, publish.

The data interval says which day. Running it again, or a backfill, makes the same of the same files;
`days` of a run started by hand names other days. Late files: `flights_ingest`, or a day's rerun.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG, Param, get_current_context, task
from airflow.timetables.interval import CronDataIntervalTimetable
from flights.pipeline import flights_pipeline

from airflow_batch_provider.airflow_exceptions import AirflowFailException


@task
def days_of_the_run() -> list[str]:
    """The day of the data interval, unless other days were asked for."""
    context: Any = get_current_context()
    asked: list[str] = context["params"]["days"]
    if asked:
        return asked
    if (start := context.get("data_interval_start")) is None:
        raise AirflowFailException(
            "This run was triggered without a logical date, so no interval says of which day it is: trigger "
            'it with the parameter days, such as {"days": ["2013-01-15"]}.'
        )
    return [start.in_timezone("UTC").to_date_string()]


with DAG(
    "flights_etl",
    description="Flights of a day from raw files to the warehouse, by Azure Batch",
    schedule=CronDataIntervalTimetable("0 6 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2013, 1, 1, tz="UTC"),
    end_date=pendulum.datetime(2014, 1, 2, tz="UTC"),  # the data set is that of 2013
    catchup=False,
    max_active_runs=2,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    params={
        "days": Param(
            [],
            type="array",
            items={"type": "string", "format": "date"},
            description="Instead of the interval's",
        )
    },
    render_template_as_native_obj=True,
    tags=["azure-batch", "etl"],
    doc_md=__doc__,
) as dag:
    flights_pipeline(days_of_the_run())
