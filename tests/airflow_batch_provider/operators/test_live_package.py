"""Application packages through the management plane of a real emulator, onto nodes that run them."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_batch_provider.exceptions import BatchPackageHopelessError
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.package import AzureBatchApplicationPackageOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import FixedScale, Pool, SpecError, StartTask, shell
from demo.stack.accounts import BatchAccount

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def a_tool(folder: Path, says: str = "hello") -> Path:
    """A folder with a program in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tool").write_text(f"#!/bin/sh\necho {says}\n")
    (folder / "tool").chmod(0o755)
    return folder


def upload(conn_id: str, **fields: Any) -> dict[str, str]:
    operator = AzureBatchApplicationPackageOperator(
        **{"task_id": "t", "version": "1.0", "conn_id": conn_id, **fields}
    )
    return operator.execute({})  # type: ignore[typeddict-item]


def stored(conn_id: str, application_id: str, version: str) -> Any:
    hook = AzureBatchHook(conn_id)
    settings = hook.settings
    return hook.management_client().application_package.get(
        str(settings.resource_group), settings.account_name, application_id, version
    )


def test_a_package_is_uploaded_once_and_the_second_run_does_nothing(
    batch_conn_id: str, tmp_path: Path
) -> None:
    folder = a_tool(tmp_path / "tool")
    result = upload(batch_conn_id, application_id="tool", path=str(folder))
    assert result["resource_id"].endswith("/applications/tool")
    first = stored(batch_conn_id, "tool", "1.0")
    assert first.state.lower() == "active"
    assert upload(batch_conn_id, application_id="tool", path=str(folder)) == result
    assert stored(batch_conn_id, "tool", "1.0").last_activation_time == first.last_activation_time


def test_runs_that_upload_the_same_version_at_once_all_have_it(batch_conn_id: str, tmp_path: Path) -> None:
    """The service gives the place to the last that begins; the others wait for it."""
    folder = a_tool(tmp_path / "tool")
    (folder / "data").write_bytes(os.urandom(30_000_000))

    def run(_: int) -> dict[str, str]:
        return upload(batch_conn_id, application_id="at-once", path=str(folder))

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(run, range(4)))
    assert results == [results[0]] * 4
    assert stored(batch_conn_id, "at-once", "1.0").state.lower() == "active"


def test_a_version_never_changes_its_content(batch_conn_id: str, tmp_path: Path) -> None:
    upload(batch_conn_id, application_id="fixed", path=str(a_tool(tmp_path / "a")))
    with pytest.raises(BatchPackageHopelessError, match="Give the new content a new version"):
        upload(batch_conn_id, application_id="fixed", path=str(a_tool(tmp_path / "a", "other")))


def test_what_is_there_is_not_built_again(batch_conn_id: str) -> None:
    built: list[Path] = []

    def build(folder: Path) -> Path:
        built.append(folder)
        return a_tool(folder)

    for _ in range(2):
        upload(batch_conn_id, application_id="built", build=build)
    assert len(built) == 1


@dataclass(frozen=True)
class Built:
    path: Path
    version: str


def test_the_version_may_come_from_what_was_built_or_from_its_content(
    batch_conn_id: str, tmp_path: Path
) -> None:
    result = upload(
        batch_conn_id,
        application_id="told",
        version=None,
        build=lambda folder: Built(a_tool(folder), "7.1-a"),
    )
    assert result["version"] == "7.1-a"
    own_place = a_tool(tmp_path / "own")
    result = upload(batch_conn_id, application_id="own", version=None, build=lambda: Built(own_place, "2"))
    assert result["version"] == "2"
    versions = {
        upload(
            batch_conn_id,
            application_id="hashed",
            version=None,
            build=lambda folder, says=says: a_tool(folder, says),
        )["version"]
        for says in ("one", "two", "one")
    }
    assert len(versions) == 2


def test_the_default_version_is_set_only_when_asked(batch_conn_id: str, tmp_path: Path) -> None:
    path = str(a_tool(tmp_path / "a"))
    upload(batch_conn_id, application_id="default", version="1", path=path)
    upload(batch_conn_id, application_id="default", version="2", path=path, make_default=False)
    hook = AzureBatchHook(batch_conn_id)
    settings = hook.settings
    application = hook.management_client().application.get(
        str(settings.resource_group), settings.account_name, "default"
    )
    assert application.default_version == "1"


def test_a_pool_installs_the_package_and_its_program_runs(batch_conn_id: str, tmp_path: Path) -> None:
    upload(batch_conn_id, application_id="onnode", path=str(a_tool(tmp_path / "a", "it-runs")))
    pool = Pool(
        id="package-pool",
        vm_size="standard_d2s_v3",
        scale=FixedScale(spot=1),
        packages=["onnode==1.0"],
        start_task=StartTask(shell("$AZ_BATCH_APP_PACKAGE_onnode_1_0/tool")),
    )
    operator = AzureBatchPoolOperator(task_id="t", batch_pool=pool, conn_id=batch_conn_id, deferrable=False)
    assert operator.execute({}) == pool.id  # type: ignore[typeddict-item]
    client = AzureBatchHook(batch_conn_id).batch_client()
    (node,) = client.list_nodes(pool.id)
    output = b"".join(client.download_node_file(pool.id, node.id, "startup/stdout.txt"))
    assert output.strip() == b"it-runs"


def test_a_path_that_is_not_there_is_explained(batch_conn_id: str) -> None:
    with pytest.raises(BatchPackageHopelessError, match="no file or folder /nowhere"):
        upload(batch_conn_id, application_id="none", path="/nowhere")


def test_a_wrong_resource_group_is_explained(
    emulator: BatchAccount, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connection = {
        "conn_type": "azurebatch",
        "host": emulator.endpoint,
        "login": emulator.name,
        "password": emulator.key,
        "extra": {"resource_group": "elsewhere"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_B", json.dumps(connection))
    with pytest.raises(BatchPackageHopelessError, match="Correct subscription_id and resource_group"):
        upload("b", application_id="x", path=str(a_tool(tmp_path / "a")))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"application_id": "a"}, "path or build"),
        ({"application_id": "a", "path": "p", "build": a_tool}, "path or build"),
        ({"application_id": "a", "build": "p"}, "a function"),
        ({"application_id": "a b", "path": "p"}, "'a b'"),
    ],
)
def test_mistakes_are_errors_at_dag_parse(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        AzureBatchApplicationPackageOperator(**{"task_id": "t", "version": "1", **fields})
