"""What the page about tests shows works as it stands there."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from batch_emulator.testing import LocalBatch, plugin
from tests.docs.pages import ROOT, blocks_of, code_spans_of

PAGE = ROOT / "docs" / "testing-with-the-emulator.md"


@pytest.mark.slow
def test_the_test_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, options_fixture, program = blocks_of(PAGE, "python emulator")
    (tmp_path / "conftest.py").write_text(options_fixture.text)
    (tmp_path / "test_shown.py").write_text(shown.text)
    (tmp_path / "program.py").write_text(program.text)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    options = ("-p", "no:cacheprovider", "-p", plugin.__name__, "-q")
    for command in (("-m", "pytest", *options, "test_shown.py"), ("program.py",)):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert ("1 passed" in done.stdout) or ("0 pools" in done.stdout)


def test_names_are_those_of_the_code() -> None:
    members = set(dir(LocalBatch)) | set(inspect.signature(LocalBatch).parameters)
    rows = re.findall(r"^\| (`.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    options = {"batch_account_scope", "batch_storage"}
    assert options <= named
    assert named - options <= members
    assert {"batch_options", "batch_storage", "batch_account"} <= set(code_spans_of(PAGE)) & set(dir(plugin))
