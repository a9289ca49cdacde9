"""Run the test-suite inside a source distribution of `azure-batch`, unchanged, against the emulator.

``python -m tests.clients.sdk_suite 15.1.0 [arguments of pytest]``. It takes minutes, as the suites wait in
steps of five and ten seconds, so it is no part of the tests.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from batch_emulator.runtime.certificates import authority_path, ensure_certificates
from demo.processes.supervisor import Supervisor
from demo.stack.accounts import StorageAccount
from demo.stack.azurite import azurite_component
from demo.stack.ports import PortPicker

HERE = Path(__file__).resolve().parent
SOURCES = {
    "15.1.0": "2f684d176b457b7213535e145180a914ed6844b2d1066fcc22ac88c3ac9e3fa5",
    "14.2.0": "c79267d6c3d3fe14a16a422ab5bbfabcbd68ed0b58b6bbcdfa0c8345c4c78532",
}


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status of pytest."""
    version, *options = arguments
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = _environment(folder, version)
        tests = _tests(folder, version)
        ensure_certificates(folder, (), datetime.now(timezone.utc))
        ports = PortPicker(use_preferred=False)
        storage = StorageAccount(*(ports.take(service, 0) for service in ("blobs", "queues", "tables")))
        with Supervisor(folder) as processes:
            component = azurite_component(storage, folder / "azurite")
            processes.start(component)
            processes.wait_ready(component.name)
            command = [python, "-m", "pytest", "-o", "asyncio_mode=auto", "--rootdir", tests, *options]
            environment = {**os.environ, **_variables(folder, storage)}
            return subprocess.run(command, cwd=tests, env=environment, check=False).returncode


def _environment(folder: Path, version: str) -> Path:
    uv, python = Path(sys.executable).with_name("uv"), folder / "venv" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
    locked = [uv, "pip", "sync", "--quiet", "--python", python, HERE / "requirements.lock"]
    subprocess.run(locked, check=True)
    client = [uv, "pip", "install", "--quiet", "--python", python, f"azure-batch=={version}"]
    subprocess.run(client, check=True)
    return python


def _tests(folder: Path, version: str) -> Path:
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*download, "--dest", folder / "source", f"azure-batch=={version}"], check=True)
    (archive,) = (folder / "source").iterdir()
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SOURCES[version]:
        raise SystemExit(f"{archive.name} is not the file that this was written for.")
    with tarfile.open(archive) as content:
        content.extractall(folder / "source", filter="data")
    (tests,) = (folder / "source").glob("*/tests")
    return tests


def _variables(folder: Path, storage: StorageAccount) -> dict[str, str]:
    authority = str(authority_path(folder))
    return {
        "EMULATOR_PYTHON": sys.executable,
        "EMULATOR_TLS": str(folder / "tls"),
        "EMULATOR_DATA": str(folder),
        "EMULATOR_STORAGE": storage.connection_string,
        "REQUESTS_CA_BUNDLE": authority,
        "SSL_CERT_FILE": authority,
        "PYTHONPATH": str(HERE / "adaptor"),
        "BATCH_USERSUB_ACCOUNT_NAME": "devbatchaccount",
        "BATCH_RESOURCE_GROUP": "local",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
