"""What the text of a failed task advises about its exit code, where there is no ``on_exit``."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.jobs.report import report
from airflow_batch_provider.client.tasks.single_task import claim_task, task_outcome
from tests.airflow_batch_provider.client.scripted import Scripted
from tests.airflow_batch_provider.client.tasks.test_function_task import Listing, instance
from tests.airflow_batch_provider.client.tasks.test_single_task import a_task


@pytest.mark.parametrize(
    ("plan", "advice"),
    [
        (a_task(), "|| [ $? -eq 3 ]"),
        (instance(0), "the process ended before the function could return or raise"),
    ],
)
def test_what_to_do_about_an_exit_code_is_what_the_author_has(plan: Any, advice: str) -> None:
    service = Listing()
    script = Scripted(service)
    claim = script.run(claim_task(plan, lambda job_id, task_id: None))
    service.end(claim.job_id, claim.task_id, good=False)
    outcome = script.run(task_outcome(claim.job_id, claim.task_id))
    told = report(outcome, lambda task_id, stream: "", exit_advice=plan.exit_advice)
    assert advice in told.text
    assert "on_exit" not in told.text
