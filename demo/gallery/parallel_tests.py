"""The parallel run of a test suite, judged by what pytest says of the same suite here, in one go.

The suite is this project's own: that of the formula language, which needs nothing but Python and pytest.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from demo.gallery.entry import Entry, Outcome, Shown, WrongResultError
from demo.processes.supervisor import PROJECT_DIR
from demo.stack.airflow_client import DagRun

__all__ = [
    "ENTRY",
    "Verdicts",
    "judge_report",
    "judge_shards",
    "judge_summary",
    "report_of",
    "run_here",
    "source",
    "verdicts",
]

_SOURCE = "inputs/parallel_tests/source.tar.gz"
_PACKAGES = ("batch_emulator", "batch_emulator/autoscale", "tests", "tests/batch_emulator")
_SUITE = "tests/batch_emulator/autoscale"
_SHARDS = 4
_TOTALS = {"failures": "failure", "errors": "error", "skipped": "skipped"}
_LEFT_OUT = "test_properties.py"  # needs Hypothesis, which is compiled for one Python

#: Test -> `passed`, `failed` or `skipped`; a test that is there twice counts twice.
Verdicts = Counter[tuple[str, str]]


def source(changes: Mapping[str, str] | None = None) -> bytes:
    """The archive that a build would leave.

    Parameters:
        changes: path -> text of files that are to be other than they are, or that are not there.
    """
    files = {f"{package}/__init__.py" for package in _PACKAGES}
    for folder in ("batch_emulator/autoscale", _SUITE):
        found = (PROJECT_DIR / folder).glob("*.py")
        files |= {path.relative_to(PROJECT_DIR).as_posix() for path in found if path.name != _LEFT_OUT}
    contents = {name: (PROJECT_DIR / name).read_text("utf-8") for name in sorted(files)} | {**(changes or {})}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content := text.encode())
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def run_here(archive: bytes) -> Verdicts:
    """Run the suite of an archive in one go, on this machine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(folder)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--junit-xml=junit.xml",
            "tests",
        ]
        # The plugin of this project would be looked for in the archive, which has a part of it only.
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, timeout=300)
        return verdicts((folder / "junit.xml").read_bytes())


def verdicts(report: bytes) -> Verdicts:
    """What a JUnit report says of each test."""
    return Counter(
        (f"{case.get('classname')}::{case.get('name')}", _verdict(case))
        for case in ET.fromstring(report).iter("testcase")
    )


def judge_report(report: bytes, alone: Verdicts) -> None:
    """Compare a merged report with that of one run.

    Raises:
        WrongResultError: there are no tests; one is missing, there twice, or ended otherwise; or the totals
            of a suite or of the whole report are not those of the tests in it.
    """
    if not alone:
        raise WrongResultError("The suite has no tests, so nothing says whether the report is right.")
    merged = verdicts(report)
    if merged != alone:
        raise WrongResultError(
            f"{merged.total()} tests were reported, {alone.total()} are in the suite.\n"
            f"Too few: {sorted((alone - merged).elements())[:10]}\n"
            f"Too many: {sorted((merged - alone).elements())[:10]}"
        )
    root = ET.fromstring(report)
    for suite in (root, *root.iter("testsuite")):
        cases = list(suite.iter("testcase"))
        counted = {"tests": len(cases), **{name: _with(kind, cases) for name, kind in _TOTALS.items()}}
        said = {name: suite.get(name) for name in counted}
        if said != {name: str(number) for name, number in counted.items()}:
            raise WrongResultError(f"{suite.tag} {suite.get('name')!r} has {said}, and its tests {counted}.")


def judge_shards(report: bytes, shards: int) -> None:
    """Whether a merged report has as many shards as it should, and tests in each.

    Raises:
        WrongResultError: not so.
    """
    tests = [len(list(suite.iter("testcase"))) for suite in ET.fromstring(report).iter("testsuite")]
    if len(tests) != shards or not all(tests):
        raise WrongResultError(f"Not {shards} shards with tests in each, but with {tests} tests.")


def judge_summary(summary: Mapping[str, Any], alone: Verdicts) -> None:
    """Whether what the run says of itself, and fails by, is what one run says.

    Parameters:
        summary: `tests`, `failures`, `errors` and `skipped`; `failed`: of each such test its name as `test`.
        alone: of one run.

    Raises:
        WrongResultError: not so.
    """
    ends = Counter(end for _, end in alone.elements())
    right = {"tests": alone.total(), "failed": ends["failed"], "skipped": ends["skipped"]}
    said = {
        "tests": summary["tests"],
        "failed": summary["failures"] + summary["errors"],
        "skipped": summary["skipped"],
    }
    if said != right:
        raise WrongResultError(f"The summary says {said}, and one run {right}.")
    named = {failed["test"] for failed in summary["failed"]}
    failed = {test for test, end in alone if end == "failed"}
    if named != failed:
        raise WrongResultError(f"The summary names {sorted(named)}, and {sorted(failed)} failed.")


def report_of(run: DagRun) -> str:
    """Where a run has published its report: `container/name`."""
    return f"outgoing/parallel_tests/{run.run_id.replace(':', '-')}/junit.xml"


def _with(kind: str, cases: Iterable[ET.Element]) -> int:
    return sum(case.find(kind) is not None for case in cases)


def _verdict(case: ET.Element) -> str:
    kinds = {child.tag for child in case}
    return "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"


def _judge(outcome: Outcome) -> Shown:
    location = report_of(outcome.run)
    report = outcome.blob(location)
    alone = run_here(source())
    judge_report(report, alone)
    judge_shards(report, _SHARDS)
    judge_summary(json.loads(outcome.blob(location.replace("junit.xml", "summary.json"))), alone)
    suites = list(ET.fromstring(report).iter("testsuite"))
    return Shown(
        "One JUnit report of all shards, the same as that of one run",
        ("shard", "tests", "seconds"),
        [(str(n), suite.get("tests", ""), suite.get("time", "")) for n, suite in enumerate(suites)],
        [f"Report: {outcome.stack.storage.blob_endpoint}/{location}"],
    )


ENTRY = Entry("parallel_tests", _judge, lambda: {_SOURCE: source()})
