"""Rendering Jinja in the texts of a specification."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_batch_provider.exceptions import AzureBatchError
from airflow_batch_provider.rendering import text_renderer


def test_a_value_that_the_run_has_not_got_is_told_with_the_text_that_names_it() -> None:
    context: Any = {"run_id": "r"}
    with DAG("d"):
        render = text_renderer(BaseOperator(task_id="t"), context)
    assert render("of {{ run_id }}") == "of r"
    with pytest.raises(
        AzureBatchError, match=r"(?s)template {{ ds }} cannot be rendered: 'ds' is undefined.*run_id"
    ) as error:
        render("s3cret={{ ds }}")
    assert "s3cret" not in str(error.value)
