"""Days of which all raw files were withdrawn are taken out of the warehouse and the lake. By hand only.

That there are no files of a day may also mean that a rule of the storage account has deleted old ones, so no
other run takes this for a reason to empty a day. A day of which a file is left is not touched: `flights_etl`
makes it anew of what there is.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task
from flights.pipeline import announce, empty


@task
def days_asked_for() -> list[str]:
    """The days of the parameter."""
    context: Any = get_current_context()
    days: list[str] = context["params"]["days"]
    return days


with DAG(
    "flights_withdraw",
    description="Days without raw files are emptied",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=5)},
    params={
        "days": Param(
            type="array",
            minItems=1,
            items={"type": "string", "format": "date"},
            description="Days to empty.",
        )
    },
    tags=["azure-batch", "etl"],
    doc_md=__doc__,
) as dag:
    asked_for: Any = days_asked_for()
    report: Any = empty(asked_for)
    # By its own rule it would be the end of the run, and a good one, also when nothing was emptied.
    report >> announce.override(trigger_rule="all_success")()
