"""The steps of a test suite in shards, run on nodes: `python3 steps.py plan|run|merge ...`.

Needs Python and pytest, and nothing of Airflow. Files of a step lie in its working directory; the source lies
where the job's preparation has unpacked it, in `source`, and the variable `SUITE` says what pytest is to run
there.
"""

from __future__ import annotations

import json
import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["cut", "merge_reports"]

_PREPARED = "AZ_BATCH_JOB_PREP_WORKING_DIR"
_OK, _TESTS_FAILED = 0, 1  # pytest: *Exit codes*
_COUNTED = ("tests", "failures", "errors", "skipped")
_USUAL_SECONDS = 0.05  # of a test that nobody has timed yet, in a suite that nobody has timed yet


def cut(tests: Sequence[str], seconds: Mapping[str, float], shards: int) -> list[list[str]]:
    """Cut a suite into shards that take about the same time.

    The slowest test goes first, always to the shard that has least to do. A test that nobody has timed counts
    as an average one, so that without any times the shards have equal numbers.

    Args:
        tests: ids, in the order in which they run.
        seconds: by id, as an earlier run took them.
        shards: how many.

    Returns:
        The ids of each shard, in the order given; every test is in one of them.
    """
    known = [seconds[test] for test in tests if test in seconds]
    usual = sum(known) / len(known) if known else _USUAL_SECONDS
    load = [0.0] * shards
    where = {}
    for test in sorted(tests, key=lambda test: -seconds.get(test, usual)):
        shard = min(range(shards), key=load.__getitem__)
        where[test] = shard
        load[shard] += seconds.get(test, usual)
    return [[test for test in tests if where[test] == shard] for shard in range(shards)]


def merge_reports(reports: Iterable[ET.Element]) -> tuple[ET.ElementTree, dict]:
    """Merge JUnit reports.

    Returns:
        One report that has all their test suites, and `{"tests", "failures", "errors", "skipped", "seconds",
        "failed": [{"test", "says"}]}`.
    """
    merged = ET.Element("testsuites", name="all shards")
    summary: dict = {**dict.fromkeys(_COUNTED, 0), "seconds": 0.0, "failed": []}
    for report in reports:
        for suite in report.iter("testsuite"):
            merged.append(suite)
            for name in _COUNTED:
                summary[name] += int(suite.get(name, 0))
            summary["seconds"] += float(suite.get("time", 0))
            for case in suite.iter("testcase"):
                for kind in ("failure", "error"):
                    for found in case.findall(kind):
                        test = f"{case.get('classname')}::{case.get('name')}"
                        summary["failed"].append({"test": test, "says": found.get("message", "")})
    summary["seconds"] = round(summary["seconds"], 3)
    for name in _COUNTED:
        merged.set(name, str(summary[name]))
    return ET.ElementTree(merged), summary


class _Clock:
    """A plugin of pytest: which tests there are, and the seconds of those that ran, with set-up and end."""

    def __init__(self) -> None:
        self.tests: list[str] = []
        self.seconds: dict[str, float] = {}

    def pytest_collection_finish(self, session: Any) -> None:
        self.tests = [item.nodeid for item in session.items]

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration


def plan(shards: int) -> None:
    """Collect the suite and write `shard-<n>.txt`, by a `times.json` of an earlier run in `last`."""
    seconds: dict[str, float] = {}
    for times in Path("last").rglob("times.json"):
        seconds.update(json.loads(times.read_text()))
    clock = _Clock()
    if code := _pytest(["--collect-only", "-qq", os.environ["SUITE"]], clock):
        raise SystemExit(f"The suite cannot be collected: pytest's exit code {code}, see above.")
    for shard, tests in enumerate(cut(clock.tests, seconds, shards)):
        Path(f"shard-{shard}.txt").write_text("".join(f"{test}\n" for test in tests))
        before = sum(seconds.get(test, 0.0) for test in tests)
        print(f"shard {shard}: {len(tests)} tests, which took {before:.1f} s last time")


def run(shard: str) -> None:
    """Run the tests of `shard-<n>.txt`. That a test fails is a result, and no failure of this step."""
    clock, here, tests = _Clock(), Path.cwd(), Path(f"shard-{shard}.txt").resolve()
    report = here / f"junit-{shard}.xml"
    report.write_text("<testsuites/>")  # of a shard without tests: for pytest alone that is an error
    if tests.read_text():
        code = _pytest(["-q", f"--junit-xml={report}", f"@{tests}"], clock)
        if code not in (_OK, _TESTS_FAILED):
            raise SystemExit(f"The shard cannot be run: pytest's exit code {code}, see above.")
    (here / f"times-{shard}.json").write_text(json.dumps(clock.seconds))


def merge() -> None:
    """Merge all `junit-<n>.xml` and `times-<n>.json`, if every test of every `shard-<n>.txt` ran once."""
    planned = [test for plan in sorted(Path().glob("shard-*.txt")) for test in plan.read_text().splitlines()]
    times = [json.loads(part.read_text()) for part in sorted(Path().glob("times-*.json"))]
    ran = [test for part in times for test in part]
    if sorted(ran) != sorted(planned):
        raise SystemExit(f"{len(planned)} tests were planned and {len(ran)} ran: {set(planned) ^ set(ran)}")
    reports = sorted(Path().glob("junit-*.xml"))
    junit, summary = merge_reports(ET.parse(report).getroot() for report in reports)  # noqa: S314  our own
    junit.write("junit.xml", encoding="utf-8", xml_declaration=True)
    Path("times.json").write_text(json.dumps({test: spent for part in times for test, spent in part.items()}))
    Path("summary.json").write_text(json.dumps(summary))
    for failed in summary["failed"]:
        print(f"FAILED {failed['test']}: {failed['says']}")
    print("{tests} tests, {failures} failures, {errors} errors, {skipped} skipped".format(**summary))


def _pytest(arguments: list[str], clock: _Clock) -> int:
    import pytest

    sys.dont_write_bytecode = True  # the folder of the source is that of all shards of the node
    here, source = Path.cwd(), Path(os.environ[_PREPARED], "source")
    sys.path.insert(0, str(source))  # as `python -m pytest` does
    os.chdir(source)
    try:
        return int(pytest.main(["-p", "no:cacheprovider", "--rootdir=.", *arguments], plugins=[clock]))
    finally:
        os.chdir(here)


if __name__ == "__main__":
    step, *rest = sys.argv[1:]
    {"plan": lambda: plan(int(rest[0])), "run": lambda: run(rest[0]), "merge": merge}[step]()
