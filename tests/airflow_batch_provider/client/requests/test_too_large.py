from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.airflow_exceptions import AirflowFailException
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.client.requests.too_large import too_large

SETTINGS = [{"name": "SMALL", "value": "x"}, {"name": "BIG", "value": "hidden" * 100}]


@pytest.mark.parametrize(
    ("part", "told", "next_step"),
    [
        ({"commandLine": "x" * 5_000}, r"its command \(5,002 of", "as an input"),
        (
            {"environmentSettings": SETTINGS},
            "environment settings, of them BIG the longest",
            "as an input",
        ),
        ({"resourceFiles": [{"httpUrl": "u" * 100}] * 2}, "its inputs, 2 of them", "by one input"),
        ({"outputFiles": [{"filePattern": "p" * 100}] * 3}, "its outputs, 3 of them", "one pattern"),
        ({"applicationPackageReferences": ["a" * 100]}, "applicationPackageReferences, 1 of them", "shorter"),
    ],
)
def test_what_is_largest_is_named_and_no_value_is(part: dict[str, Any], told: str, next_step: str) -> None:
    task = {"id": "t", "commandLine": "/bin/true", **part}
    error = too_large(task, Refusal("RequestBodyTooLarge", 413, "too large"))
    with pytest.raises(AirflowFailException, match=rf"(?s)Task 't' was not accepted.*{told}.*{next_step}"):
        raise error
    assert "hidden" not in str(error)
    assert (error.code, error.status, error.layer) == ("RequestBodyTooLarge", 413, "submit")
