"""The DAGs that the documentation shows do what it says they do: in Airflow, on an emulator, with Azurite."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from demo.stack.accounts import StorageAccount
from demo.stack.containers import ensure_containers
from tests.docs import dags_in_airflow
from tests.docs.pages import ROOT, all_blocks, blocks_of
from tests.protocol.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(960)]

LINES, WORDS_A_LINE = 100, 10


def dag_files(folder: Path) -> list[Path]:
    """Pages whose Python is one DAG file, and of the README the first DAG.

    The DAG's object must be found under a name; the pages have no need of one.
    """
    pages = {"readme": blocks_of(ROOT / "README.md", "python")[:1]}
    for name in ("job-graphs", "application-packages", "task-groups", "task-decorator"):
        pages[name] = blocks_of(ROOT / "docs" / f"{name}.md", "python")
    files = []
    for name, blocks in pages.items():
        path = folder / f"{name}.py"
        text = "\n".join(block.text for block in blocks)
        path.write_text(text.replace("schedule=None):", "schedule=None) as dag:"))
        files.append(path)
    return files


def a_tar() -> bytes:
    """An archive with one file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("weights"), io.BytesIO())
    return content.getvalue()


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory, emulator: Server, azurite: StorageAccount
) -> dict[str, Any]:
    """What became of the DAGs."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "dags").mkdir()
    ensure_containers(azurite.connection_string, ("incoming", "outgoing", "models"))
    book = "".join(f"{'word ' * (WORDS_A_LINE - 1)}last\n" for _ in range(LINES))
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        service.get_blob_client("incoming", "book.txt").upload_blob(book.encode(), overwrite=True)
        service.get_blob_client("models", "model.tar").upload_blob(a_tar(), overwrite=True)
    connection = {
        "conn_type": "azurebatch",
        "host": emulator.endpoint,
        "login": emulator.account,
        "password": emulator.key,
        "extra": {"storage_connection_string": azurite.connection_string},
    }
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_AZURE_BATCH_DEFAULT": json.dumps(connection),
    }
    done = subprocess.run(
        [sys.executable, dags_in_airflow.__file__, *map(str, dag_files(home))],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        timeout=900,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, (done.stdout + done.stderr)[-8000:]
    result: dict[str, Any] = json.loads(lines[0].removeprefix("RESULT "))
    assert {dag["state"] for dag in result.values()} == {"success"}, (done.stdout + done.stderr)[-8000:]
    return result


def blob_text(azurite: StorageAccount, location: str) -> str:
    container, _, name = location.partition("/")
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        return service.get_blob_client(container, name).download_blob().readall().decode().strip()


def test_the_dag_of_the_readme_counts_the_words_of_a_known_text(
    told: dict[str, Any], azurite: StorageAccount
) -> None:
    assert told["count_words"]["returned"]["pool"] == "words"
    assert told["count_words"]["returned"]["count"]["tasks"] == {"total": 6, "succeeded": 6, "failed": 0}
    assert blob_text(azurite, "outgoing/total.txt") == str(LINES * WORDS_A_LINE)


def test_the_graphs_of_the_page_on_job_graphs_run(told: dict[str, Any], azurite: StorageAccount) -> None:
    returned = told["graphs"]["returned"]
    assert returned["hello"]["tasks"]["succeeded"] == 3
    assert blob_text(azurite, f"{returned['words']['work']}/total/total.txt") == str(LINES * WORDS_A_LINE)
    run = told["graphs"]["run_id"].replace(":", "-")
    assert blob_text(azurite, f"outgoing/{run}/longest.txt") == str(5 * (WORDS_A_LINE - 1) + 4)
    assert returned["wide"]["tasks"]["total"] == 64
    assert returned["chapters"]["results"] == {"plan": LINES // 20, "total": LINES * WORDS_A_LINE}
    assert returned["checked"]["tasks"] == {"total": 2, "succeeded": 1, "failed": 1}


def test_the_package_of_its_page_is_built_uploaded_and_run(
    told: dict[str, Any], azurite: StorageAccount
) -> None:
    returned = told["packages"]["returned"]
    assert returned["package"]["application_id"] == "greeter"
    said = blob_text(azurite, f"{returned['greet']['work']}/greet/stdout.txt")
    assert said.startswith("hello from tvm")


def test_the_group_of_its_page_runs_as_one_job(told: dict[str, Any]) -> None:
    returned = told["training"]["returned"]
    members = ("prep", "fit-0", "fit-1", "best", "check")
    assert len({returned[f"train.{member}"]["job_id"] for member in members}) == 1
    assert returned["tell"] == sum(range(2, 101, 2))


def test_the_functions_of_their_page_run_on_nodes(told: dict[str, Any]) -> None:
    returned = told["functions"]["returned"]
    assert returned["numbers"]["bytes"] > 48_000
    assert returned["total"] == sum(range(200_000)) + 10 + 20
    assert returned["report"] == f"200000 numbers, {returned['total']} in total"


def test_the_result_that_the_page_shows_has_the_form_of_the_real_one(told: dict[str, Any]) -> None:
    (shown,) = blocks_of(ROOT / "docs" / "job-graphs.md", "json")
    real = told["graphs"]["returned"]["chapters"]
    example = json.loads(shown.text)
    assert example.keys() == real.keys()
    for name in ("tasks", "results", "pool_id"):
        assert example[name] == real[name]
    assert example["work"] == f"batch-work/{example['job_id']}"
    assert real["work"] == f"batch-work/{real['job_id']}"


def test_programs_that_talk_to_the_emulator_run(
    emulator: Server, azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = all_blocks("python emulator")
    assert programs
    for block in programs:
        text = block.text.replace("http://127.0.0.1:10100", emulator.endpoint)
        text = text.replace('"devbatchaccount"', repr(emulator.account))
        exec(compile(text, block.where, "exec"), {"KEY": emulator.key})


def test_the_script_of_the_compose_file_makes_containers_and_uploads(
    azurite: StorageAccount, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_text("moving pictures")
    environment = {**os.environ, "STORAGE": azurite.connection_string}
    for words in (["make", "incoming", "outgoing"], ["make", "incoming"], ["upload", str(clip)]):
        subprocess.run([sys.executable, "docker/storage.py", *words], env=environment, cwd=ROOT, check=True)
    assert blob_text(azurite, "incoming/clip.mp4") == "moving pictures"
