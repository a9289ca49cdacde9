"""`@azure/batch` for Node.js, as published, against the emulator over http and https."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from demo.azurite.install import install
from demo.azurite.node import node_binary
from tests.batch_emulator.runtime.served import Served

pytestmark = pytest.mark.slow
SOURCES = Path(__file__).with_name("javascript")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenario with its packages beside it."""
    made = tmp_path_factory.mktemp("javascript") / "client"
    shutil.copytree(SOURCES, made, ignore=shutil.ignore_patterns("node_modules"))
    install(made)
    return made


def day(folder: Path, endpoint: str, emulator: Served, name: str) -> dict[str, Any]:
    arguments = [endpoint, emulator.facts["account"], emulator.facts["key"], name]
    done = subprocess.run(
        [node_binary(), folder / "scenario.mjs", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": emulator.facts["ca-certificate"]},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_day_of_the_client(folder: Path, emulator: Served, scheme: str) -> None:
    endpoint = emulator.facts["endpoint" if scheme == "http" else "https-endpoint"]
    told = await asyncio.to_thread(day, folder, endpoint, emulator, f"js-{scheme}")
    assert told["pool"].pop("created")
    assert told["pool"] == {"metadata": [{"name": "grüße", "value": "日本"}], "mode": "simplified"}
    assert told["exists"] == [True, False]
    assert told["added"] == ["success", "success"]
    assert told["filtered"] == ["three", "two"]
    assert told["ids"] == ["one", "three", "two"]
    assert (told["exitCode"], told["output"], told["slice"], told["length"]) == (3, "seen\n", "ee", 5)
    assert told["priority"] == 8
    assert told["refused"] == {
        "a missing pool": "PoolNotFound",
        "the same job": "JobExists",
        "an old version": "ConditionNotMet",
    }
