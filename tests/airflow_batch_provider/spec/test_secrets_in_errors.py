"""What an author has written and what is refused is shown, secrets excepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_batch_provider.spec import JobGraph, SpecError, shell

SIGNED = "https://a.blob.core.windows.net/c/x?sv=2024&sig=s3cret%2Bs3cret%3D"


@pytest.mark.parametrize(
    "options",
    [
        {"outputs": {"o": SIGNED}},
        {"inputs": {"x": [SIGNED]}},
        {"environment": {"A": b"s3cret"}},
        {"environment": {"A": {"key": "s3cret"}}},
        {"environment": "A=s3cret"},
    ],
)
def test_no_secret_is_in_the_error(options: dict[str, Any]) -> None:
    add: Callable[..., Any] = JobGraph().task
    with pytest.raises(SpecError) as refused:
        add("t", shell("true"), **options)
    assert "s3cret" not in str(refused.value)
    assert "s3cret" not in refused.value.what
