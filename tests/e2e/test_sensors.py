"""A sensor of which the triggerer makes an end: no worker takes it up again."""

from __future__ import annotations

import pytest
from azure.storage.blob import BlobServiceClient

from demo.stack import LocalStack
from tests.e2e.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(300)]

DAG_ID, SECONDS = "sensed", 120.0


def test_the_triggerer_ends_a_sensor_and_what_comes_after_it_runs(stack: LocalStack) -> None:
    run_id = stack.airflow.trigger(DAG_ID).run_id

    def is_deferred() -> bool:
        found = stack.airflow.task_instances(DAG_ID, run_id)
        return any(each.task_id == "there" and each.state == "deferred" for each in found)

    wait_until(stack, "the triggerer waits", is_deferred, SECONDS)
    with BlobServiceClient.from_connection_string(stack.storage.connection_string) as service:
        service.get_blob_client("elsewhere", "sensed/a").upload_blob(b"x")

    assert stack.airflow.wait_for_run(DAG_ID, run_id, SECONDS, stack.check).state == "success"
    assert "the task ends here" in stack.airflow.log(DAG_ID, run_id, "there")
