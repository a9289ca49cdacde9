"""Which results are XComs, and which stay in their blob."""

from __future__ import annotations

import contextlib
import logging
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_batch_provider.client.files.function_files import FunctionOutcome
from airflow_batch_provider.decorators.results import is_reference
from airflow_batch_provider.decorators.returned_value import xcom_of
from airflow_batch_provider.exceptions import BatchFunctionError


class Held:
    """Storage with one result."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        yield

    def read_blob(self, container: str, name: str, at_most: int) -> bytes:
        return self.data


def xcom(data: bytes, *, multiple_outputs: bool = False, xcom_bytes: int = 48_000) -> Any:
    told = {"state": "returned", "bytes": len(data), "serializer": "pickle", "python": "3.12.0"}
    outcome = FunctionOutcome("work/job/task/result.bin", told)
    held: Any = Held(data)
    log = logging.getLogger("returned")
    return xcom_of(outcome, held, "work", xcom_bytes=xcom_bytes, multiple_outputs=multiple_outputs, log=log)


@pytest.mark.parametrize("value", [None, 1, "x", [1, {"a": (1.5, None)}], {"a": [True]}])
def test_a_small_plain_result_is_the_xcom(value: Any) -> None:
    assert xcom(pickle.dumps(value)) == value


@pytest.mark.parametrize(
    "value",
    [b"x", {"a": [b"x"]}, 2**70, "\ud800", range(3), {"__classname__": 1}, [1.0, float("inf")], float("nan")],
)
def test_a_small_result_that_xcom_does_not_take_stays_in_its_blob(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert is_reference(xcom(pickle.dumps(value)))
    assert f"is {type(value).__name__}, which XCom does not take" in caplog.text
    assert "It stays in work/job/task/result.bin" in caplog.text


def test_a_small_result_of_a_class_that_the_worker_lacks_stays_in_its_blob(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    assert is_reference(xcom(b"cno_such_module\nThing\n."))
    assert "cannot be read on the worker (No module named 'no_such_module')" in caplog.text


def test_a_large_result_stays_in_its_blob() -> None:
    assert is_reference(xcom(pickle.dumps("x" * 100), xcom_bytes=100))


def test_of_several_outputs_each_must_be_an_xcom() -> None:
    assert xcom(pickle.dumps({"a": 1, "b": "x" * 100}), multiple_outputs=True, xcom_bytes=9)["a"] == 1
    with pytest.raises(BatchFunctionError, match=r"(?s)'b': bytes, .*multiple_outputs=False"):
        xcom(pickle.dumps({"a": 1, "b": b"x"}), multiple_outputs=True)
