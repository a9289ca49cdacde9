from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_batch_provider.decorators import task as real_task
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.function_source import function_source


class _Task:
    def azure_batch(self, **options: Any) -> Callable[[Any], Any]:
        return lambda function: function


task = _Task()


def setup(function: Any) -> Any:
    return function


def own(function: Any) -> Any:
    return function


def test_decorators_of_airflow_go_and_lines_stay() -> None:
    # The decorators of a class are given as DAG files give them.
    @setup
    @task.azure_batch(
        pool_id="p",
        requirements=["a"],
    )
    @own
    def crunch(first: int) -> int:
        # told
        return first

    source = function_source(crunch)
    assert source.name == "crunch"
    assert source.file == "test_function_source.py"
    assert source.source.splitlines() == [
        "", "", "", "", "", "@own", "def crunch(first: int) -> int:", "    # told", "    return first",
    ]  # fmt: skip
    assert source.line + 7 == crunch.__code__.co_firstlineno + 7


on_nodes = real_task.azure_batch(pool_id="p")


def test_a_decorator_that_is_kept_for_several_functions_goes_too() -> None:
    @on_nodes
    @own
    def crunch() -> int:
        return 1

    assert function_source(crunch.function).source.splitlines()[:3] == ["", "@own", "def crunch() -> int:"]


@pytest.mark.parametrize("function", [lambda: 1, print, task])
def test_what_has_no_source_of_its_own_is_refused(function: Any) -> None:
    with pytest.raises(SpecError, match="Write a function with def"):
        function_source(function)


def test_a_function_without_a_file_is_refused() -> None:
    names: dict[str, Any] = {}
    exec("def made(): pass", names)
    with pytest.raises(SpecError, match="Define the function in a file"):
        function_source(names["made"])
