"""Both providers in one real Airflow environment, and the same done with both operators."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.stack.accounts import BatchAccount
from tests.airflow_batch_provider.official.comparison import COMPARISON, Behaviour

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("in_both.py")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, emulator: BatchAccount) -> dict[str, Any]:
    """What was seen of both, where both are installed."""
    folder = tmp_path_factory.mktemp("both")
    python = folder / "venv" / "bin" / "python"
    _uv("venv", "--python", sys.executable, folder / "venv")
    _uv("pip", "sync", "--require-hashes", "--python", python, ROOT / "benchmarks" / "requirements.lock")
    _uv("pip", "install", "--no-deps", "--python", python, "--editable", ROOT)
    connection = {
        "conn_type": "azure_batch",
        "login": emulator.name,
        "password": emulator.key,
        "extra": {"account_url": emulator.endpoint},
    }
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_AZURE_BATCH_DEFAULT": json.dumps(connection),
        "BATCH_ENDPOINT": emulator.endpoint,
        "BATCH_ACCOUNT": emulator.name,
        "BATCH_KEY": emulator.key,
    }
    done = subprocess.run(
        [python, PROGRAM], capture_output=True, text=True, env=environment, cwd=folder, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("SEEN ")]
    assert lines, (done.stdout + done.stderr)[-5000:]
    found: dict[str, Any] = json.loads(lines[0].removeprefix("SEEN "))
    return found


@pytest.mark.parametrize("behaviour", COMPARISON, ids=lambda behaviour: behaviour.seen)
def test_the_comparison_tells_what_was_seen(seen: dict[str, Any], behaviour: Behaviour) -> None:
    wanted = {"official": behaviour.official[0], "ours": behaviour.ours[0]}
    assert seen[behaviour.seen] == wanted


def test_pain_001_a_busy_pool_holds_nobody_up(seen: dict[str, Any]) -> None:
    assert seen["busy_pool"] == {"official": "waits", "ours": "success"}


def test_pain_193_every_parameter_is_taken_with_the_official_default(seen: dict[str, Any]) -> None:
    ours = dict(seen["parameters"]["ours"])
    assert "start_timeout" not in seen["parameters"]["official"]
    assert ours.pop("start_timeout") == "datetime.timedelta(seconds=3600)"
    assert ours == seen["parameters"]["official"]


def test_both_providers_are_there_without_a_clash_or_a_warning(seen: dict[str, Any]) -> None:
    providers = seen["providers"]
    assert providers["names"] == ["airflow-provider-azure-batch", "apache-airflow-providers-microsoft-azure"]
    assert providers["hooks"] == {
        "azurebatch": "airflow_batch_provider.hooks.batch.AzureBatchHook",
        "azure_batch": "airflow.providers.microsoft.azure.hooks.batch.AzureBatchHook",
    }
    assert providers["told"] == providers["log"] == []


def _uv(*arguments: str | Path) -> None:
    subprocess.run([Path(sys.executable).with_name("uv"), *arguments], check=True, capture_output=True)
