"""Every Python block of the documentation is code that Airflow takes and the service would accept."""

from __future__ import annotations

import linecache
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_batch_provider.client.connect.storage_settings import StorageSettings
from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.spec import JobGraph, LatestImage, Pool, blob
from airflow_batch_provider.spec.compile import JobStorage, WorkArea, compile_tasks
from batch_emulator.account_defaults import ACCOUNT_NAME, PRIMARY_KEY
from batch_emulator.rest.contract import load_contract
from batch_emulator.rest.handlers.account import render_image
from batch_emulator.rest.validation import validate_body
from batch_emulator.service.pools.images import SUPPORTED_IMAGES
from batch_emulator.service.pools.pool_spec import make_pool_spec
from tests.docs.pages import PAGES, ROOT, WITH_PYTHON, Block, all_blocks, blocks_of, code_spans_of


class _Account:
    account_resource_id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Batch/batchAccounts/a"


def run_page(page: Path) -> dict[str, Any]:
    """The names that a page's blocks make, read from top to bottom as one file."""
    names: dict[str, Any] = {"__name__": "documentation"}
    for block in blocks_of(page, "python"):
        # Functions for nodes are sent as source.
        linecache.cache[block.where] = (len(block.text), None, block.text.splitlines(True), block.where)
        exec(compile(block.text, block.where, "exec"), names)
    return names


def without_templates(text: str) -> str:
    return "rendered" if "{" in text else text


@pytest.fixture(params=WITH_PYTHON, ids=lambda page: page.name)
def names(request: pytest.FixtureRequest) -> dict[str, Any]:
    return run_page(request.param)


def test_pools_are_such_as_the_service_takes(names: dict[str, Any]) -> None:
    storage = StorageAccess(StorageSettings.from_connection_string("UseDevelopmentStorage=true"))
    lists = [value for value in names.values() if isinstance(value, list)]
    found = [*names.values(), *(item for values in lists for item in values)]
    for pool in [value for value in found if isinstance(value, Pool)]:
        plain = replace(pool, id="rendered") if "{" in pool.id else pool
        if isinstance(plain.image, LatestImage):
            plain = replace(plain, image=plain.image.choose(map(render_image, SUPPORTED_IMAGES)))
        body = validate_body(plain.to_wire(_Account(), storage), "BatchPoolCreateOptions", load_contract())
        assert make_pool_spec(body)["vmSize"] == pool.vm_size


def test_graphs_are_such_as_the_service_takes(names: dict[str, Any]) -> None:
    storage = StorageAccess(StorageSettings.from_connection_string("UseDevelopmentStorage=true"))
    for graph in [value for value in names.values() if isinstance(value, JobGraph)]:
        rendered = graph.rendered(without_templates)
        rendered.validate()
        for wire in compile_tasks(rendered, JobStorage(WorkArea("batch-work", "job"), storage)):
            validate_body(wire, "BatchTaskCreateOptions", load_contract())


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_dags_have_tasks_and_ids_of_their_own(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[DAG] = []
    init = DAG.__attrs_post_init__

    def noted(dag: DAG) -> None:
        init(dag)
        made.append(dag)

    monkeypatch.setattr(DAG, "__attrs_post_init__", noted)
    run_page(page)
    assert made or page.name == "emulator.md"
    assert len({dag.dag_id for dag in made}) == len(made)
    for dag in made:
        assert dag.tasks, dag.dag_id
        dag.check_cycle()
        for task in dag.tasks:
            assert not isinstance(task, AzureBatchJobOperator) or task.graph is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blobs_that_are_named_in_a_sentence_or_a_table_can_be_named_so(page: Path) -> None:
    for span in code_spans_of(page):
        for name in re.findall(r'blob\("([^"]*)"\)', span):
            assert str(blob(name)), span


@pytest.mark.parametrize("block", all_blocks("python emulator"), ids=lambda block: block.where)
def test_programs_are_python(block: Block) -> None:
    compile(block.text, block.where, "exec")


def test_every_block_says_what_it_is() -> None:
    known = {"python", "python emulator", "bash", "json", ""}
    assert {block.info for block in all_blocks()} <= known


def test_the_first_dag_of_the_readme_is_the_example_dag() -> None:
    shown = blocks_of(ROOT / "README.md", "python")[0].text
    docstring, _, code = (ROOT / "dags" / "count_words.py").read_text("utf-8").partition("\n\n")
    assert docstring.startswith('"""')
    assert shown == code
    assert len([line for line in shown.splitlines() if line.strip()]) <= 30


def test_the_readme_shows_the_development_account() -> None:
    names = run_page(ROOT / "README.md")
    assert names["KEY"] == PRIMARY_KEY
    assert ACCOUNT_NAME in (ROOT / "README.md").read_text("utf-8")
