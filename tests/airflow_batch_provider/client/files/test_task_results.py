"""What a task's result may be."""

from __future__ import annotations

import pytest

from airflow_batch_provider.client.files.task_results import parse_result
from airflow_batch_provider.exceptions import BatchResultError


def test_a_result_is_json_of_any_kind() -> None:
    assert parse_result(b'{"rows": [1, 2.5, null, "NaN"]}', "r.json", "t", 100) == {
        "rows": [1, 2.5, None, "NaN"]
    }


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_a_database_does_not_take_as_json_are_refused(word: str) -> None:
    with pytest.raises(
        BatchResultError, match=rf"'r.json' of task 't' is no JSON \({word} is no value of JSON"
    ):
        parse_result(f'{{"loss": {word}}}'.encode(), "r.json", "t", 100)
