from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files

from batch_emulator.rest.contract import Property, load_contract
from batch_emulator.rest.contract.derive import derive
from batch_emulator.rest.operations import OPERATIONS


def test_the_committed_contract_is_what_the_package_says() -> None:
    committed = json.loads((files("batch_emulator.rest.contract") / "2025-06-01.json").read_text("utf-8"))
    assert committed == derive()


def test_types_of_properties() -> None:
    models = load_contract().models
    assert models["BatchPoolCreateOptions"]["id"] == Property("string", required=True, read_only=False)
    assert models["BatchJob"]["state"] == Property("BatchJobState", required=True, read_only=True)
    assert models["FileProperties"]["contentLength"].type == "int64"
    assert models["BatchTaskGroup"]["value"].type == "[BatchTaskCreateOptions]"
    assert models["VMExtension"]["settings"].type == "{any}"
    assert models["BatchJobConstraints"]["maxWallClockTime"].type == "duration"


def test_every_body_of_an_operation_is_a_model() -> None:
    models = load_contract().models
    assert [item.name for item in OPERATIONS if item.body and item.body not in models] == []


def test_loading_is_fast_and_needs_no_client() -> None:
    code = (
        "import sys, time\n"
        "from batch_emulator.rest.contract import load_contract\n"
        "start = time.process_time(); load_contract(); spent = time.process_time() - start\n"
        "assert not any(name.startswith('azure') for name in sys.modules)\n"
        "print(spent)\n"
    )
    spent = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert float(spent) < 0.02
