"""`azure-batch` 11 to 14, each in turn in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TIMEOUT_SECONDS = 240
# The api-version that a client sends, and what was published under its name.
VERSIONS = {
    "11.0.0": (
        "2021-06-01.14.0",
        "7059a82d1f7e466896d2f24fd4fa040a3717a7c3dc110e21c9fc2e754fc3ac72",
        "ce5fdb0ec962eddfe85cd82205e9177cb0bbdb445265746e38b3bbbf1f16dc73",
    ),
    "12.0.0": (
        "2022-01-01.15.0",
        "10470ab3aa43ec416569b68c1167fe7bea1ea53b54c7fea8842c51ec8a68fd76",
        "1a9b1e178984a7bf495af67bcce51f0db1e4a8a957afb29e33554a14a9674deb",
    ),
    "13.0.0": (
        "2022-10-01.16.0",
        "6d2647f579c7de50a20fa8cd9121aca5ab9b102340dd9a900d212f1f377ef2d4",
        "e9295de70404d276eda0dd2253d76397439abe5d8f18c1fca199c49b8d6ae30a",
    ),
    "14.0.0": (
        "2023-05-01.17.0",
        "165b1e99b86f821024c4fae85fb34869d407aa0ebb0ca4b96fb26d859c26c934",
        "3dee0571c3b25e4d46a9f2c4ca910f1837d518bd64cd2fd7d867ea770e054574",
    ),
    "14.1.0": (
        "2023-11-01.18.0",
        "83a364ec644d5a6e89698b165035083fabe1269ae58f1fb6472ff2531ac12244",
        "9616b2caa629c7400122d685d557ebcd01797da9889908318f9a547484397acd",
    ),
    "14.2.0": (
        "2024-02-01.19.0",
        "115ccff0007852784ccf8fc12f5f3d415ed80513be306da7a8938ca82d948ee7",
        "c79267d6c3d3fe14a16a422ab5bbfabcbd68ed0b58b6bbcdfa0c8345c4c78532",
    ),
}


class OlderPython:
    """An environment with what these clients need; the client is changed in place.

    :param folder: does not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._python = folder / "bin" / "python"
        self._installed = ""
        _uv("venv", "--python", sys.executable, folder)
        _uv("pip", "sync", "--require-hashes", "--python", self._python, HERE / "older_python.lock")

    def run(self, version: str, script: str, *arguments: str) -> Any:
        """What a script of this folder prints as JSON, with one version of the client."""
        self._install(version)
        done = subprocess.run(
            [self._python, HERE / "scripts" / script, *arguments],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    def _install(self, version: str) -> None:
        if self._installed == version:
            return
        _api_version, *hashes = VERSIONS[version]
        pins = " ".join(f"--hash=sha256:{digest}" for digest in hashes)
        requirement = self._folder / "client.txt"
        requirement.write_text(f"azure-batch=={version} {pins}\n", "utf-8")
        _uv("pip", "install", "--no-deps", "--require-hashes", "--python", self._python, "-r", requirement)
        self._installed = version


def _uv(*arguments: str | Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run(
        [uv, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_SECONDS,
        env={**os.environ, "UV_SYSTEM_CERTS": "true"},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
