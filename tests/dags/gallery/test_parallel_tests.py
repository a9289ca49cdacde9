"""A suite is cut, run by the steps that nodes run, and merged; losing or doubling a test is an error."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import parallel_tests
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_shards.package import build_package
from test_shards.steps import cut

from demo.gallery.entry import WrongResultError
from demo.gallery.parallel_tests import (
    judge_report,
    judge_shards,
    judge_summary,
    run_here,
    verdicts,
)

SUITE = """
import pytest

@pytest.mark.parametrize("n", ["a b", "c::d", "e[f]", "ü"])
def test_n(n):
    assert n

def test_sum():
    assert 2 + 2 == 5

def test_later():
    pytest.skip("another day")

@pytest.fixture
def broken():
    raise OSError("no disk")

class TestDisk:
    def test_disk(self, broken): ...
"""
FAILED = {"tests.test_it::test_sum", "tests.test_it.TestDisk::test_disk"}

seconds_of_tests = st.dictionaries(st.text(max_size=3), st.floats(0, 100), max_size=30)


@given(seconds_of_tests, st.integers(1, 6))
def test_every_test_is_in_one_shard_and_no_shard_is_much_longer_than_others(
    seconds: dict[str, float], shards: int
) -> None:
    """Graham: *Bounds for Certain Multiprocessing Anomalies*, 1966."""
    parts = cut(list(seconds), seconds, shards)
    assert len(parts) == shards
    assert sorted(test for part in parts for test in part) == sorted(seconds)
    longest = max(sum(seconds[test] for test in part) for part in parts)
    slowest = max(seconds.values(), default=0)
    assert longest <= sum(seconds.values()) / shards + slowest * (1 - 1 / shards) + 1e-6


def test_without_times_the_shards_have_equal_numbers_in_the_order_of_the_suite() -> None:
    parts = cut([f"t{n}" for n in range(10)], {}, 4)
    assert sorted(map(len, parts)) == [2, 2, 3, 3]
    assert all(part == sorted(part) for part in parts)


def test_a_test_that_is_new_counts_as_an_average_one() -> None:
    assert cut(["slow", "new", "quick"], {"slow": 3.0, "quick": 1.0}, 2) == [["slow"], ["new", "quick"]]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_package(tmp_path_factory.mktemp("package"))


class Node:
    """A node whose Python has no packages, in the folder of a project that has another pytest: a task's
    directory, and that of the preparation before it."""

    def __init__(self, folder: Path, package: Path, archive: bytes) -> None:
        (folder / "pytest.ini").write_text("[pytest]\naddopts = --unheard-of\n")
        self.folder, self.prepared, self.package = folder / "wd", folder / "prepared", package
        self.folder.mkdir()
        self.prepared.mkdir()
        (self.prepared / "source.tar.gz").write_bytes(archive)
        subprocess.run(parallel_tests.PREPARATION.command, cwd=self.prepared, check=True)
        self.environment = {"AZ_BATCH_JOB_PREP_WORKING_DIR": str(self.prepared), "SUITE": "tests"}

    def step(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-S", str(self.package / "steps.py"), *words],
            cwd=self.folder,
            env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", **self.environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as written:
        for name, text in {"tests/__init__.py": "", "tests/test_it.py": SUITE}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            written.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


@pytest.fixture
def node(tmp_path: Path, package: Path, archive: bytes) -> Node:
    return Node(tmp_path, package, archive)


@pytest.mark.slow
def test_shards_say_together_what_one_run_says(node: Node, archive: bytes) -> None:
    assert "shard 0: 4 tests, which took 0.0 s last time" in node.step("plan", "2")
    for shard in ("0", "1"):
        node.step("run", shard)
    said = node.step("merge")
    assert "7 tests, 1 failures, 1 errors, 1 skipped" in said
    summary = json.loads((node.folder / "summary.json").read_text())
    assert {failed["test"] for failed in summary["failed"]} == FAILED
    assert all(f"FAILED {test}" in said for test in FAILED)
    report, alone = (node.folder / "junit.xml").read_bytes(), run_here(archive)
    judge_report(report, alone)
    judge_shards(report, 2)
    judge_summary(summary, alone)

    times = json.loads((node.folder / "times.json").read_text())
    (node.folder / "last").mkdir()
    (node.folder / "last" / "times.json").write_text(json.dumps({**times, "tests/test_it.py::test_sum": 9.0}))
    assert "shard 0: 1 tests, which took 9.0 s last time" in node.step("plan", "2")


@pytest.mark.slow
def test_a_shard_without_tests_is_no_failure(node: Node) -> None:
    node.step("plan", "9")
    for shard in range(9):
        node.step("run", str(shard))
    assert "1 failures, 1 errors" in node.step("merge")


@pytest.mark.slow
def test_a_suite_that_cannot_be_collected_fails_with_the_reason(node: Node) -> None:
    (node.prepared / "source" / "tests" / "test_other.py").write_text("import nowhere\n")
    said = node.step("plan", "2", code=1)
    assert "No module named 'nowhere'" in said
    assert "cannot be collected" in said


@pytest.mark.slow
def test_a_shard_that_is_lost_is_an_error(node: Node) -> None:
    node.step("plan", "2")
    node.step("run", "0")
    assert "7 tests were planned and 4 ran" in node.step("merge", code=1)


def test_the_judge_refuses_lost_doubled_and_turned_tests() -> None:
    report = (
        "<testsuites tests='2' failures='1' errors='0' skipped='0'>"
        "<testsuite name='pytest' tests='2' failures='1' errors='0' skipped='0'>"
        "<testcase classname='a' name='x'/><testcase classname='a' name='y'>"
        "<failure message='no'/></testcase></testsuite></testsuites>"
    )
    alone = verdicts(report.encode())
    judge_report(report.encode(), alone)
    for changed in (
        report.replace("<testcase classname='a' name='x'/>", ""),
        report.replace("<testcase classname='a' name='x'/>", "<testcase classname='a' name='x'/>" * 2),
        report.replace("<failure message='no'/>", ""),
    ):
        assert changed != report
        ET.fromstring(changed)
        with pytest.raises(WrongResultError, match="tests were reported"):
            judge_report(changed.encode(), alone)
    for total, wrong in (("tests='2'", "tests='99'"), ("failures='1'", "failures='0'"), ("errors='0'", "")):
        of_the_suite = wrong.join(report.rsplit(total, 1))
        for changed in (of_the_suite, report.replace(total, wrong, 1)):
            assert changed != report
            with pytest.raises(WrongResultError, match="and its tests"):
                judge_report(changed.encode(), alone)


def test_the_judge_refuses_a_report_of_nothing() -> None:
    report = b"<testsuites tests='0' failures='0' errors='0' skipped='0'/>"
    with pytest.raises(WrongResultError, match="no tests"):
        judge_report(report, verdicts(report))


@pytest.mark.parametrize("tests", [(2,), (2, 0), (1, 1, 1)])
def test_the_judge_refuses_a_suite_that_was_not_cut(tests: tuple[int, ...]) -> None:
    def report(*tests: int) -> bytes:
        suites = "".join(f"<testsuite>{'<testcase/>' * number}</testsuite>" for number in tests)
        return f"<testsuites>{suites}</testsuites>".encode()

    judge_shards(report(1, 1), 2)
    with pytest.raises(WrongResultError, match="Not 2 shards"):
        judge_shards(report(*tests), 2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tests": 2}, "summary says"),
        ({"errors": 0}, "summary says"),
        ({"skipped": 0}, "summary says"),
        ({"failed": []}, "summary names"),
        ({"failed": [{"test": "a::x"}]}, "summary names"),
    ],
)
def test_the_judge_refuses_a_summary_of_another_run(changes: dict[str, Any], said: str) -> None:
    alone = Counter([("a::x", "passed"), ("a::y", "failed"), ("a::z", "skipped")])
    summary = {"tests": 3, "failures": 0, "errors": 1, "skipped": 1, "failed": [{"test": "a::y"}]}
    judge_summary(summary, alone)
    with pytest.raises(WrongResultError, match=said):
        judge_summary({**summary, **changes}, alone)


def test_the_package_is_plain_python(package: Path) -> None:
    suffixes = {path.suffix for path in package.rglob("*") if path.is_file()}
    assert suffixes == {".py"}
    assert {"steps.py", "pytest", "_pytest", "pluggy", "packaging"} <= {
        path.name for path in package.iterdir()
    }


@pytest.mark.parametrize(("failures_fail", "ends"), [(True, False), (False, True)])
def test_the_author_says_whether_a_failed_test_fails_the_run(failures_fail: bool, ends: bool) -> None:
    summary: dict[str, Any] = {"tests": 2, "failures": 1, "errors": 0, "skipped": 0}
    report = {"result": {**summary, "failed": [{"test": "a::x", "says": "assert 4 == 5"}]}}
    judge = parallel_tests.verdict.function
    if ends:
        assert judge(report, failures_fail) == "2 tests: 1 failures, 0 errors, 0 skipped"
    else:
        with pytest.raises(parallel_tests.AirflowFailException, match="1 failures"):
            judge(report, failures_fail)
