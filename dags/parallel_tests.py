"""Run a test suite in shards that take about the same time, and publish one JUnit report.

The source is an archive in storage, as a build leaves it. Times of the tests are those of the run before.
The run fails if a test fails: its last task names the tests.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import DAG, Param, task
from test_shards.package import APPLICATION_ID, build_package

from airflow_batch_provider.airflow_exceptions import AirflowFailException
from airflow_batch_provider.operators.package import AzureBatchApplicationPackageOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import JobPreparation, Pool, TaskOutput, blob, pending_tasks, shell
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup

log = logging.getLogger(__name__)

SHARDS = 4
REPORTS = blob("outgoing/parallel_tests/{{ run_id | replace(':', '-') }}/")
LAST_TIMES = blob("outgoing/parallel_tests/last/")
POOL = Pool(id="tests", vm_size="standard_d2s_v5", scale=pending_tasks(max_nodes=2, spot=True), task_slots=2)
# The empty file keeps pytest from looking for a configuration above the source, wherever nodes lie.
PREPARATION = JobPreparation(
    shell("mkdir -p source && tar -xzf source.tar.gz -C source && touch pytest.ini"),
    inputs={"source.tar.gz": blob("{{ params.source }}")},
)


def step(words: str) -> list[str]:
    return shell(f'exec python3 "$AZ_BATCH_APP_PACKAGE_{APPLICATION_ID}/steps.py" {words}')


@task
def verdict(report: Any, failures_fail: Any) -> str:
    """Name the tests that failed, and fail if a failed test is to fail the run."""
    summary = report["result"]
    for failed in summary["failed"]:
        log.error("FAILED %s: %s", failed["test"], failed["says"])
    told = "{tests} tests: {failures} failures, {errors} errors, {skipped} skipped".format(**summary)
    if summary["failed"] and failures_fail:
        raise AirflowFailException(f"{told}. They are named above; their output is in the shards' logs.")
    return told


with DAG(
    "parallel_tests",
    description="A test suite in shards, each a Batch task with its own log and retries",
    schedule=None,
    params={
        "source": Param("inputs/parallel_tests/source.tar.gz", type="string", description="A blob"),
        "suite": Param("tests", type="string", description="What pytest runs, below the source's root"),
        "failures_fail": Param(True, type="boolean", description="Whether a failed test fails the run"),
    },
    render_template_as_native_obj=True,
    tags=["azure-batch", "gallery"],
    doc_md=__doc__,
):
    package = AzureBatchApplicationPackageOperator(
        task_id="pytest_package", application_id=APPLICATION_ID, build=build_package
    )
    pool = AzureBatchPoolOperator(task_id="pool", batch_pool=POOL)
    with AzureBatchJobTaskGroup(
        "suite",
        pool_id=POOL.id,
        preparation=PREPARATION,
        environment={"SUITE": "{{ params.suite }}"},
    ) as suite:
        plan = suite.task(
            "plan",
            step(f"plan {SHARDS}"),
            inputs={"last": LAST_TIMES},
            outputs=["shard-*.txt"],
            packages=[APPLICATION_ID],
        )
        parts: dict[str, TaskOutput] = {}
        for number in range(SHARDS):
            tests = {f"shard-{number}.txt": plan.output(f"shard-{number}.txt")}
            left = [f"junit-{number}.xml", f"times-{number}.json"]
            shard = suite.task(
                f"shard-{number}",
                step(f"run {number}"),
                inputs=tests,
                outputs=left,
                packages=[APPLICATION_ID],
            )
            parts |= tests | {name: shard.output(name) for name in left}
        report = suite.task(
            "report",
            step("merge"),
            inputs=parts,
            outputs={
                "junit.xml": REPORTS / "junit.xml",
                "summary.json": REPORTS / "summary.json",
                "times.json": LAST_TIMES / "times.json",
            },
            result="summary.json",
            packages=[APPLICATION_ID],
        )
    [package, pool] >> suite
    verdict(report.operator.output, "{{ params.failures_fail }}")
