"""DAGs with functions on nodes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task

from airflow_batch_provider.decorators.results import load_result
from airflow_batch_provider.spec import AutoPool, FixedScale, Pool

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def functions(pool: str) -> DAG:
    with DAG("functions", schedule=None, start_date=START, params={"size": [1, 2]}) as dag:

        @task.azure_batch(pool_id=pool, poll_interval=0.5)
        def add(
            first: int, second: int = 2, *, words: str, run_id: str | None = None, params: Any = None
        ) -> dict[str, Any]:
            import logging
            import os

            logging.getLogger("adding").warning("the sum is near")
            print("plain words")  # noqa: T201 - what a function prints is looked for
            return {
                "sum": first + second,
                "words": words,
                "run": run_id,
                "params": params,
                "node": bool(os.environ["AZ_BATCH_NODE_ID"]),
            }

        @task.azure_batch(pool_id=pool, poll_interval=0.5, deferrable=False, xcom_bytes=1000)
        def large(number: int) -> list[int]:
            return list(range(number * 1000))

        @task.azure_batch(pool_id=pool, poll_interval=0.5)
        def total(numbers: list[int]) -> int:
            return sum(numbers)

        @task.azure_batch(pool_id=pool, poll_interval=0.5, deferrable=False)
        def small_bytes() -> bytes:
            return b"x"

        @task.azure_batch(pool_id=pool, poll_interval=0.5)
        def length(data: bytes) -> int:
            return len(data)

        @task
        def on_worker(value: Any) -> int:
            return len(load_result(value))

        @task.azure_batch(pool_id=pool, poll_interval=0.5, retries=1, retry_delay=timedelta())
        def retried() -> str:
            import os

            # The job of the first try has ended with its task: the second is in another.
            job: str = os.environ["AZ_BATCH_JOB_ID"]
            if job.endswith("-1"):
                raise ValueError("not at the first try")
            return job

        retried()
        added = add(1, words="{{ dag.dag_id }}")
        numbers = large(added["sum"])
        total(numbers)
        on_worker(numbers)
        length(small_bytes())

    return dag


def expanded(pool: str) -> DAG:
    with DAG("expanded", schedule=None, start_date=START) as dag:

        @task.azure_batch(pool_id=pool, poll_interval=0.5)
        def square(number: int) -> int:
            return number * number

        own = AutoPool(Pool(id="join", vm_size="standard_d2s_v3", scale=FixedScale(spot=1)))

        @task.azure_batch(pool_id=own, poll_interval=0.5)
        def join(squares: list[int]) -> int:
            return sum(squares)

        join(square.expand(number=[1, 2, 3, 4, 5]))

    return dag


def raising(pool: str) -> DAG:
    with DAG("raising", schedule=None, start_date=START) as dag:

        @task.azure_batch(pool_id=pool, poll_interval=0.5)
        def raises() -> None:
            def deeper() -> None:
                raise KeyError("which key")

            deeper()

        @task.azure_batch(pool_id=pool, poll_interval=0.5, retries=5, retry_delay=timedelta(hours=1))
        def fails_for_good() -> None:
            from airflow_batch_provider.node import AirflowFailException

            raise AirflowFailException("no such customer")

        raises()
        fails_for_good()
    return dag


def skipping(pool: str) -> DAG:
    with DAG("skipping", schedule=None, start_date=START) as dag:

        @task.azure_batch(pool_id=pool, poll_interval=0.5)
        def skips() -> int:
            from airflow_batch_provider.node import AirflowSkipException

            raise AirflowSkipException("nothing new")

        @task
        def after(value: int) -> None:
            raise AssertionError(value)

        after(skips())
    return dag


def packages(pool: str) -> DAG:
    with DAG("packages", schedule=None, start_date=START) as dag:

        @task.azure_batch(pool_id=pool, poll_interval=0.5, requirements=["toolz==1.0.0"])
        def installed() -> str:
            import toolz

            return str(toolz.__version__)

        installed()
    return dag


def dags(pool: str, folder: Path) -> list[DAG]:
    return [make(pool) for make in (functions, expanded, raising, skipping, packages)]
