"""What an author's type checker and editor see of the public API."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseOperator, BaseSensorOperator, TaskGroup

import airflow_batch_provider
from airflow_batch_provider import spec
from airflow_batch_provider.decorators.azure_batch import FunctionArguments, azure_batch_task
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.job_arguments import JobArguments
from airflow_batch_provider.operators.pool_base import PoolActionOperator, PoolArguments
from airflow_batch_provider.operators.state_change import StateChangeArguments, StateChangeOperator
from airflow_batch_provider.provider_info import modules_of
from airflow_batch_provider.sensors.base import AzureBatchSensor, BatchSensorArguments
from airflow_batch_provider.task_arguments import (
    DecoratorArguments,
    GroupArguments,
    SensorArguments,
    TaskArguments,
)
from tests.airflow_batch_provider.airflow_versions import AIRFLOW
from tests.docs.pages import ROOT, WITH_PYTHON, blocks_of

ROOMS = ("operators", "sensors", "triggers", "hooks", "links", "decorators", "task_groups")
MADE_BY_ITS_DECORATOR = "AzureBatchDecoratedOperator"


def write_what_authors_write(folder: Path) -> list[str]:
    """All example DAGs and the Python of every page, as files of a user's."""
    texts = {path.stem: path.read_text("utf-8") for path in (ROOT / "dags").glob("*.py")}
    for package in (path for path in (ROOT / "dags").iterdir() if path.is_dir()):
        (folder / package.name).symlink_to(package)
    for page in WITH_PYTHON:
        blocks = (each.text for each in blocks_of(page, "python"))
        texts[f"page_{page.stem.lower().replace('-', '_')}"] = "\n".join(blocks)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    return [f"{name}.py" for name in texts]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_dags_that_use_the_public_api_pass_a_strict_type_checker(tmp_path: Path, cache: Path) -> None:
    files = write_what_authors_write(tmp_path)
    told = strict(tmp_path, cache, *files)
    assert told.startswith("Success"), told


MISTAKES = """
from airflow_batch_provider.decorators import task
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.pool_delete import AzureBatchPoolDeleteOperator
from airflow_batch_provider.operators.pool_nodes import AzureBatchPoolRebootNodesOperator
from airflow_batch_provider.operators.task import AzureBatchTaskOperator
from airflow_batch_provider.retry_policy import AzureBatchRetryPolicy
from airflow_batch_provider.sensors.job import AzureBatchJobSensor
from airflow_batch_provider.sensors.node_count import AzureBatchNodeCountSensor
from airflow_batch_provider.spec import JobGraph
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup

@task.azure_batch(pool_id="p", retries=2)
def half(number: int) -> float:
    return number / 2

graph = JobGraph()
graph.task("a", "true", max_retries="three")  # wrong: max_retries
AzureBatchJobOperator(task_id="a", pool_id="p", graph=graph, on_task_failure="on")  # wrong: on_task_failure
AzureBatchJobOperator(pool_id="p", graph=graph)  # wrong: task_id
AzureBatchTaskOperator(task_id="b", pool_id="p", command="true", retrys=2)  # wrong: retrys
AzureBatchTaskOperator(task_id="b", pool_id="p", command="true", on_retry="again")  # wrong: on_retry
AzureBatchPoolDeleteOperator(task_id="c", pool_id="p", wait_timeout=30)  # wrong: wait_timeout
AzureBatchJobSensor(task_id="d", job_id="j", pokeinterval=3)  # wrong: pokeinterval
AzureBatchJobOperator(task_id="f", pool_id="p", graph=graph, no_retry_layers=["comand"])  # wrong: comand
AzureBatchRetryPolicy(fail=["preemtion"])  # wrong: preemtion
AzureBatchNodeCountSensor(task_id="g", pool_id="p", states=["idel"])  # wrong: idel
AzureBatchPoolRebootNodesOperator(task_id="h", pool_id="p", states=["unusabel"])  # wrong: unusabel
AzureBatchJobTaskGroup("g", pool_id="p", tool_tip="")  # wrong: tool_tip
half("3")  # wrong: Argument 1
half(part=3)  # wrong: part
half.override(requirments=[])  # wrong: requirments
task.azure_batch(pool_id="p", serializer="json")  # wrong: serializer
half(half(3)) >> AzureBatchTaskOperator(task_id="e", pool_id="p", command=half(4), retries=1)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_mistakes_in_a_dag_are_seen_by_the_type_checker_and_nothing_else_is(
    tmp_path: Path, cache: Path
) -> None:
    (tmp_path / "wrong.py").write_text(MISTAKES)
    told = [line for line in strict(tmp_path, cache, "wrong.py").splitlines() if " error: " in line]
    wrong = {
        number: line.partition("# wrong: ")[2]
        for number, line in enumerate(MISTAKES.splitlines(), 1)
        if "# wrong: " in line
    }
    assert [line.split(":")[1] for line in told] == [str(number) for number in wrong], told
    assert all(word in line for word, line in zip(wrong.values(), told, strict=True)), told


# How exactly an author annotates their own functions (`-> dict`), and libraries that are not typed or on
# nodes only, say nothing about this API.
APART = ("type-arg", "import-untyped", "import-not-found")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keeps what mypy has found out about Airflow and the provider, which takes it most of its time."""
    return tmp_path_factory.mktemp("mypy")


def strict(folder: Path, cache: Path, *files: str) -> str:
    """What mypy says in its strict mode, as it is installed for a user who has no settings."""
    options = [f"--cache-dir={cache}", *(f"--disable-error-code={code}" for code in APART)]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", *options, *files],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def keys_of(arguments: Any) -> set[str]:
    """Names of a typed dictionary's items, its bases' among them."""
    return set(arguments.__required_keys__ | arguments.__optional_keys__)


def named(call: Callable[..., Any]) -> set[str]:
    """Parameters that a caller can name."""
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    plain = getattr(call, "__wrapped__", call)
    return {each.name for each in inspect.signature(plain).parameters.values() if each.kind in kinds}


def taken_by(kind: type) -> set[str]:
    """What a class takes, without what it hands on."""
    return named(vars(kind)["__init__"]) - {"self"}


IN_ITS_OWN_WORDS = {"pool_id", "graph", "graph_kwargs", "work_container"}
"""Of a job: operators that run one of their own kind say these themselves."""


@pytest.mark.parametrize(
    ("listed", "known", "taken"),
    [
        (TaskArguments, set(), taken_by(BaseOperator)),
        (DecoratorArguments, set(), taken_by(BaseOperator)),
        (SensorArguments, keys_of(TaskArguments), taken_by(BaseSensorOperator)),
        (GroupArguments, set(), named(TaskGroup) - {"group_id"}),
        (PoolArguments, keys_of(TaskArguments), taken_by(PoolActionOperator)),
        (StateChangeArguments, keys_of(TaskArguments), taken_by(StateChangeOperator)),
        (BatchSensorArguments, keys_of(SensorArguments), taken_by(AzureBatchSensor)),
        (JobArguments, keys_of(TaskArguments), taken_by(AzureBatchJobOperator) - IN_ITS_OWN_WORDS),
        (FunctionArguments, keys_of(DecoratorArguments), named(azure_batch_task) - {"python_callable"}),
    ],
)
def test_a_list_of_arguments_is_that_of_what_takes_them(
    listed: type, known: set[str], taken: set[str]
) -> None:
    later = {"retry_policy", "render_template_as_native_obj", "doc_md"} if AIRFLOW < (3, 3) else set()
    assert keys_of(listed) - known - later == taken - later


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(airflow_batch_provider.__file__).parent / "py.typed").exists()


def test_the_room_of_specifications_gives_every_name_that_it_declares() -> None:
    assert len(set(spec.__all__)) == len(spec.__all__)
    for name in spec.__all__:
        assert getattr(spec, name) is not None


@pytest.mark.parametrize("module", [name for room in ROOMS for name in modules_of(room)])
def test_what_a_module_declares_as_public_is_all_that_is(module: str) -> None:
    """And every argument of a public class is annotated, so that an editor can complete it."""
    found = importlib.import_module(module)
    own = {
        name
        for name, value in vars(found).items()
        if inspect.isclass(value) and value.__module__ == module and not name.startswith("_")
    }
    declared = getattr(found, "__all__", None)
    if declared is not None:
        assert own <= set(declared)
        assert all(hasattr(found, name) for name in declared)
    for name in own:
        if getattr(vars(found)[name], "_is_protocol", False):
            continue
        init = vars(vars(found)[name]).get("__init__")
        plain = getattr(init, "__wrapped__", init)
        if plain is not None:
            parameters = inspect.signature(plain).parameters.values()
            bare = [each.name for each in parameters if each.annotation is each.empty]
            assert set(bare) <= {"self"}, f"{name} takes {bare} without a type"
            opaque = [each.annotation for each in parameters if each.kind is each.VAR_KEYWORD]
            told = all(each.startswith("Unpack[") for each in opaque)
            assert told or name == MADE_BY_ITS_DECORATOR, f"{name} takes {opaque}"
