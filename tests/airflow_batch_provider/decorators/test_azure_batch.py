"""The decorator where a DAG is parsed."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any
from unittest.mock import Mock

import pytest
from airflow.sdk import DAG, Param, task
from airflow.sdk.definitions.param import ParamsDict

from airflow_batch_provider.client.files import function_files
from airflow_batch_provider.decorators import function_operator
from airflow_batch_provider.decorators.azure_batch import azure_batch_task
from airflow_batch_provider.decorators.function_operator import AzureBatchDecoratedOperator
from airflow_batch_provider.decorators.results import is_reference, load_result
from airflow_batch_provider.exceptions import BatchFunctionError, BatchSpecError
from airflow_batch_provider.spec.compile import JobStorage, WorkArea, compile_tasks
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.task_container import Container
from tests.airflow_batch_provider.spec.access import NamedAccess


def crunch(number: int) -> int:
    return number


def operator_of(**options: Any) -> AzureBatchDecoratedOperator:
    with DAG("parsed", schedule=None):
        made = azure_batch_task(**options)(crunch)(1).operator
    assert isinstance(made, AzureBatchDecoratedOperator)
    return made


def test_airflow_offers_it_by_its_name() -> None:
    with DAG("parsed", schedule=None):
        made = task.azure_batch(pool_id="p", retries=3)(crunch)(1).operator
    assert isinstance(made, AzureBatchDecoratedOperator)
    assert (made.pool_id, made.retries, made.python) == ("p", 3, "python3")


def test_default_args_hold_for_what_is_not_given() -> None:
    with DAG("parsed", schedule=None, default_args={"conn_id": "mine", "python": "python3.12"}):
        made: Any = azure_batch_task(pool_id="p", python="python3.9")(crunch)(1).operator
    assert (made.conn_id, made.python) == ("mine", "python3.9")


@pytest.mark.parametrize(
    ("options", "right"),
    [
        ({"serializer": "cloudpikle"}, "Did you mean 'cloudpickle'"),
        ({"requirements": "numpy"}, r"Give \['numpy'\]"),
        ({"requirements": ["toolz=1.0"]}, r"'toolz=1.0', which is none: .*Did you mean 'toolz==1.0'\?"),
        ({"requirements": ["numpy", "two words"]}, "Write it as 'pandas==2.2' or 'pandas'"),
        ({"requirements": [1]}, "Each is a text"),
        ({"xcom_bytes": -1}, "xcom_bytes is -1. A whole number from 0 up"),
        ({"xcom_bytes": "48000"}, "xcom_bytes is '48000'"),
        ({"container": "python:3.12", "requirements": ["numpy"]}, "Have the packages in the image"),
        ({"python_version": "3.7"}, "3.8 or newer"),
        ({"python_version": 3.1}, "the number 3.10 is 3.1"),
        ({"pool_id": "no such"}, "letters, digits"),
        ({"required_slots": 0}, "required_slots"),
        ({"inputs": {"a": 1}}, "a"),
    ],
)
def test_what_cannot_work_is_an_error_of_the_parse(options: dict[str, Any], right: str) -> None:
    with pytest.raises(SpecError, match=right):
        operator_of(**{"pool_id": "p", **options})


def test_what_uv_takes_besides_requirements_is_left_to_it() -> None:
    for text in (
        "pandas[parquet]>=2.2,<3; python_version > '3.9'",
        "tool @ https://example.org/tool.whl",
        "git+https://example.org/tool@main",
        "./dist/tool-1.0-py3-none-any.whl",
        "tool-1.0.tar.gz",
        "-r requirements.txt",
        "toolz{{ params.version }}",
    ):
        assert operator_of(pool_id="p", requirements=[text]).requirements == [text]


@pytest.mark.parametrize("requirements", [None, ["numpy"]])
def test_a_serializer_that_the_worker_lacks_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, requirements: list[str] | None
) -> None:
    monkeypatch.setitem(sys.modules, "dill", None)
    operator = operator_of(pool_id="p", serializer="dill", requirements=requirements)
    monkeypatch.setattr(operator, "on_kill", lambda: None)
    monkeypatch.setattr(operator, "_give_up", lambda context: None)
    with pytest.raises(
        BatchSpecError, match=r"(?s)has not installed.*Install the package 'dill' for the workers"
    ):
        operator.execute({})  # type: ignore[typeddict-item]


def test_a_lambda_is_refused() -> None:
    with DAG("parsed", schedule=None), pytest.raises(SpecError, match="Write a function with def"):
        azure_batch_task(pool_id="p", task_id="t")(lambda: 1)()


LIMIT: int = 3


def cached(function: Any) -> Any:
    return function


def test_a_name_of_the_dag_file_is_refused_with_what_to_do() -> None:
    def limited(number: int) -> int:
        def deeper() -> int:
            return min(number, LIMIT)

        return deeper()

    with (
        DAG("parsed", schedule=None),
        pytest.raises(SpecError, match=r"'limited' uses 'LIMIT' of the DAG file.*within the function"),
    ):
        azure_batch_task(pool_id="p")(limited)(1)


def with_a_default(limit: int = LIMIT) -> int:
    return limit


def with_a_keyword_default(*, limit: int = LIMIT) -> int:
    return limit


def with_a_class() -> int:
    class Held:
        value: Any = LIMIT

    return int(Held.value)


def with_its_file() -> str:
    return __file__


@cached
def decorated() -> int:
    return 1


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (with_a_default, "LIMIT"),
        (with_a_keyword_default, "LIMIT"),
        (with_a_class, "LIMIT"),
        (with_its_file, "__file__"),
        (decorated, "cached"),
    ],
)
def test_a_name_of_the_dag_file_is_refused_wherever_it_stands(function: Any, name: str) -> None:
    with DAG("parsed", schedule=None), pytest.raises(SpecError, match=f"uses '{name}' of the DAG file"):
        azure_batch_task(pool_id="p")(function)()


def test_a_default_of_a_function_around_it_is_refused() -> None:
    limit = 2

    def scaled(number: int = limit) -> int:
        return number

    with DAG("parsed", schedule=None), pytest.raises(SpecError, match="uses 'limit' of the DAG file"):
        azure_batch_task(pool_id="p")(scaled)()


def test_a_name_of_a_function_around_it_is_refused() -> None:
    factor, base = 2, 3

    def scaled(number: int) -> int:
        return number**base * factor

    with DAG("parsed", schedule=None), pytest.raises(SpecError, match=r"'base', 'factor'.*do not go"):
        azure_batch_task(pool_id="p")(scaled)(1)


def test_what_a_function_brings_itself_is_no_name_of_the_dag_file() -> None:
    def whole(number: int) -> int:
        import datetime as dt  # which this file has, too
        import math

        class Held:
            value: Any = 5
            LIMIT = value
            most = LIMIT

        def noted(which: pytest.Item, least: int = max(1, 2)) -> ParamsDict: ...

        if number:
            return whole(number - 1)
        return len(__name__) + math.floor(dt.timedelta(Held.value).days)

    with DAG("parsed", schedule=None):
        assert azure_batch_task(pool_id="p")(whole)(1).operator


def test_a_container_goes_to_the_service_with_its_options() -> None:
    identity = (
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
    )
    image = Container(
        "acr.azurecr.io/functions:{{ ds }}",
        run_options="--shm-size=1g",
        registry="acr.azurecr.io",
        registry_identity=identity,
        working_directory="image",
    )
    made = operator_of(pool_id="p", container=image, python="python3.12")
    graph = made._graph({}, "owner", lambda text: text.replace("{{ ds }}", "2026"), "crunch")
    (wire,) = compile_tasks(graph, JobStorage(WorkArea("work", "j"), NamedAccess()), fail_fast=False)
    assert wire["containerSettings"] == {
        "imageName": "acr.azurecr.io/functions:2026",
        "containerRunOptions": "--shm-size=1g",
        "registry": {"registryServer": "acr.azurecr.io", "identityReference": {"resourceId": identity}},
        "workingDirectory": "containerImageDefault",
    }
    assert wire["commandLine"] == "python3.12 run_function.py"


def test_of_the_context_goes_what_the_function_asks_for_and_a_node_can_read() -> None:
    def asks(run_id: str | None = None, logical_date: Any = None, ds: str | None = None) -> None: ...

    with DAG("parsed", schedule=None):
        made: Any = azure_batch_task(pool_id="p")(asks)().operator
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    asked = made._asked({"run_id": "r", "logical_date": moment, "dag": object(), "ds": "2026"})
    assert asked == {"run_id": "r", "logical_date": moment, "ds": "2026"}


@pytest.mark.parametrize("name", ["ti", "dag", "task", "dag_run", "var", "inlets"])
def test_what_lives_on_the_worker_is_refused_by_name_when_the_dag_is_parsed(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def asks({name}=None): ...", scope)
    with DAG("parsed", schedule=None), pytest.raises(SpecError, match=f"'asks'.* asks for '{name}'"):
        azure_batch_task(pool_id="p")(scope["asks"])()


def test_a_name_of_the_context_that_the_call_gives_is_an_argument_like_any() -> None:
    def asks(task: str, dag: Any = None) -> None: ...

    with DAG("parsed", schedule=None):
        made: Any = azure_batch_task(pool_id="p")(asks)("first", dag="second").operator
    assert made._asked({"task": object(), "dag": object()}) == {}


def test_params_go_as_a_plain_dictionary() -> None:
    def asks(params: dict[str, Any] | None = None) -> None: ...

    with DAG("parsed", schedule=None):
        made: Any = azure_batch_task(pool_id="p")(asks)().operator
    held = {"size": Param(3, type="integer"), "deep": {"names": ["a", None], "pair": (1, 2.5)}}
    (asked,) = made._asked({"params": ParamsDict(held)}).values()
    assert type(asked) is dict
    assert asked == {"size": 3, "deep": {"names": ["a", None], "pair": (1, 2.5)}}


def test_what_holds_no_plain_value_is_refused_with_its_type() -> None:
    def asks(params: dict[str, Any] | None = None) -> None: ...

    with DAG("parsed", schedule=None):
        made: Any = azure_batch_task(pool_id="p")(asks)().operator
    with pytest.raises(SpecError, match=r"'params' .* is or holds object, which is no plain value"):
        made._asked({"params": {"deep": [object()]}})


def test_an_xcom_that_is_no_reference_is_given_back() -> None:
    assert load_result({"a": 1}) == {"a": 1}
    assert is_reference({"azure_batch_result": "work/x"})
    assert not is_reference([1])


def test_a_process_that_ended_itself_is_told_of_beside_a_clean_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    operator = operator_of(pool_id="p")
    monkeypatch.setattr(function_files, "read_outcome", lambda *_: None)
    for name in ("AzureBatchHook", "lineage_of", "text_renderer"):
        monkeypatch.setattr(function_operator, name, Mock())
    monkeypatch.setattr(operator, "_close", Mock())
    with pytest.raises(BatchFunctionError, match=r"(?s)left no outcome.*os\._exit\(0\)"):
        operator._finish({}, Mock(), {"job_id": "j", "task_id": "t", "ending": "ended"})  # type: ignore[typeddict-item]
