"""A DAG parse imports no Azure SDK: it would cost a second on every parse."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import airflow_batch_provider
from airflow_batch_provider.provider_info import modules_of, provider_info

PACKAGE = Path(airflow_batch_provider.__file__).parent
DAGS = PACKAGE.parent / "dags"

_IMPORT_AND_TELL = """
import importlib, json, runpy, sys
sys.path.insert(0, sys.argv[3])  # as Airflow does with its DAGs folder
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
for path in json.loads(sys.argv[2]):
    runpy.run_path(path)
print("LOADED " + json.dumps(sorted(m for m in sys.modules if m == "azure" or m.startswith("azure."))))
"""


def all_modules() -> list[str]:
    return sorted(
        module.name for module in pkgutil.walk_packages([str(PACKAGE)], prefix="airflow_batch_provider.")
    )


def azure_modules_after(modules: list[str], dags: list[str], home: Path) -> list[str]:
    """Names of azure modules in a fresh interpreter that imported modules and ran DAG files."""
    environment = {**os.environ, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_AND_TELL, json.dumps(modules), json.dumps(dags), str(DAGS)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("LOADED "))
    loaded: list[str] = json.loads(line.removeprefix("LOADED "))
    return loaded


def test_no_module_of_the_provider_imports_azure_and_no_example_dag_does(tmp_path: Path) -> None:
    modules = all_modules()
    for room in ("operators", "sensors", "decorators", "triggers", "hooks"):
        assert set(modules_of(room)) <= set(modules)
        assert modules_of(room), f"no modules in {room}"
    dags = [str(path) for path in sorted(DAGS.glob("*.py"))]
    assert azure_modules_after(modules, dags, tmp_path) == []


def test_the_check_sees_azure_modules_when_there_are_some(tmp_path: Path) -> None:
    assert "azure.core" in azure_modules_after(["azure.core"], [], tmp_path)


def test_provider_info_names_every_module_of_its_rooms() -> None:
    info = provider_info("0")
    for room in ("operators", "sensors", "triggers", "hooks"):
        (entry,) = info[room]
        files = {path.stem for path in (PACKAGE / room).glob("*.py")} - {"__init__"}
        assert {name.rpartition(".")[2] for name in entry["python-modules"]} == files


def test_every_link_of_an_operator_is_registered() -> None:
    """Airflow shows a link only if provider info names its class."""
    from airflow.sdk import BaseOperatorLink

    links = {
        f"{module}.{name}"
        for module in modules_of("links")
        for name, found in vars(importlib.import_module(module)).items()
        if isinstance(found, type) and issubclass(found, BaseOperatorLink) and found.__module__ == module
    }
    assert links == set(provider_info("0")["extra-links"])
