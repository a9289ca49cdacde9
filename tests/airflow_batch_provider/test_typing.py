"""What an author's type checker and editor see of the public API."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_batch_provider
from airflow_batch_provider import spec
from airflow_batch_provider.provider_info import modules_of
from tests.docs.pages import PAGES, ROOT, blocks_of

EXAMPLES = ("count_words", "video_transcode")
HAND_OUTPUTS_TO_FUNCTIONS = ("task-decorator", "task-groups")
ROOMS = ("operators", "sensors", "triggers", "hooks", "links")


def write_what_authors_write(folder: Path) -> list[str]:
    """Example DAGs and the Python of each page, as files of a user's.

    Not the DAGs and pages that hand outputs to functions of ``@task``: Airflow types those by what comes of
    them.
    """
    texts = {name: (ROOT / "dags" / f"{name}.py").read_text("utf-8") for name in EXAMPLES}
    for page in PAGES:
        if page.stem in HAND_OUTPUTS_TO_FUNCTIONS:
            continue
        if blocks := blocks_of(page, "python"):
            texts[f"page_{page.stem.lower().replace('-', '_')}"] = "\n".join(each.text for each in blocks)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    return [f"{name}.py" for name in texts]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_dags_that_use_the_public_api_pass_a_strict_type_checker(tmp_path: Path) -> None:
    files = write_what_authors_write(tmp_path)
    (tmp_path / "transcoding").symlink_to(ROOT / "dags" / "transcoding")
    strict = ["--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache")]
    # How exactly an author annotates their own functions (`-> dict`), and other libraries of theirs, say
    # nothing about this API.
    strict += ["--disable-error-code", "type-arg", "--disable-error-code", "import-untyped"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *strict, *files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_mistake_in_a_dag_is_seen_by_the_type_checker(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(
        "from airflow_batch_provider.operators.job import AzureBatchJobOperator\n"
        "from airflow_batch_provider.spec import JobGraph\n"
        "graph = JobGraph()\n"
        "graph.task('a', 'true', max_retries='three')\n"
        "AzureBatchJobOperator(task_id='a', pool_id='p', graph=graph, on_task_failure='carry on')\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--cache-dir",
            tmp_path / "c",
            "wrong.py",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "wrong.py:4" in done.stdout, done.stdout
    assert "wrong.py:5" in done.stdout


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
            bare = [
                each.name
                for each in inspect.signature(plain).parameters.values()
                if each.annotation is each.empty
            ]
            assert set(bare) <= {"self"}, f"{name} takes {bare} without a type"
