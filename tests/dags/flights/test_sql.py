"""The scripts of the nodes, run by the program that runs them there: every row ends in exactly one place."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import duckdb
import pytest
from flights.files import RawFile, day_of
from flights.graph import flights_graph

from demo.etl import damaged
from demo.flights import raw_files
from tests.dags.flights.scripts import DAY, NAME, changed, merge, rows, run, set_aside, transform
from tests.dags.flights.warehouses import Tables, files

pytestmark = pytest.mark.slow  # each case starts a program or two

BLANKS = (" ", "\t", "\u00a0", "\u2003", "\u3000")


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
    assert twice == ("2013", 19, ["line 4 has the same time_hour, carrier, flight"])
    assert short[1] < 19
    assert short[2] == [f"the row has {short[1]} fields, not 19"]
    assert year == ("20x3", 19, ["the row is of another day than its file", "year is no INTEGER: 20x3"])


@pytest.mark.parametrize(
    ("text", "raw"),
    [("", 0), ("\n", 0), ("year,month\n", 1), ("nonsense\n1,2\n", 2), ("\ufeff\n", 0), ("\t\n", 0)],
)
def test_files_that_are_none_of_ours_lose_nothing_either(
    package: Path, node: Path, text: str, raw: int
) -> None:
    counts = transform(package, node, text)
    assert (counts["raw"], counts["good"], counts["quarantined"]) == (raw, 0, raw)


@pytest.mark.parametrize("line", ["\0", "x", "2013;2;8;5;17"])
def test_a_line_that_is_no_row_has_one_reason(package: Path, node: Path, line: str) -> None:
    transform(package, node, "\n".join((*rows()[:2], line, rows()[2])))
    assert set_aside(node) == [(line.replace("\0", ""), ["the row has 1 field, not 19"])]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_header_of_a_file_that_was_appended_has_one_reason(package: Path, node: Path, mark: str) -> None:
    header, one, two, *_ = rows()
    again = mark + header.replace(",", " ,\t")
    counts = transform(package, node, "\n".join((header, one, again, two)))
    assert counts["good"] == 2
    assert set_aside(node) == [(again, ["the row is the header again"])]


def test_columns_in_another_order_are_not_taken_for_others(package: Path, node: Path) -> None:
    header, *rows = raw_files([DAY])[NAME].splitlines()
    swapped = header.replace("origin,dest", "dest,origin")
    counts = transform(package, node, "\n".join((swapped, *rows)))
    assert counts["good"] == 0
    assert all("does not begin with its header" in reasons[0] for _, reasons in set_aside(node))


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


@pytest.mark.parametrize("spoilt", ["latin-1", "utf-16", "gzip"])
def test_a_file_that_cannot_be_read_is_set_aside_and_its_rows_are_counted_if_it_has_lines(
    package: Path, node: Path, spoilt: str
) -> None:
    text = "\n".join(rows()).replace("N3", "\xe9", 1)
    data = gzip.compress(text.encode()) if spoilt == "gzip" else text.encode(spoilt)
    raw = len(rows()) - 1 if spoilt == "latin-1" else 1
    counts = transform(package, node, data)
    assert (counts["raw"], counts["good"], counts["quarantined"]) == (raw, 0, raw)
    assert all(reasons == ["the file is no text in UTF-8"] for _, reasons in set_aside(node))


@pytest.mark.parametrize(
    "spelling",
    [
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", " \n", 1),
        lambda text: "\n\n" + text,
        *(
            lambda text, blank=blank: f"{blank}\n{text}{blank}\n".replace(",", f"{blank},{blank}")
            for blank in BLANKS
        ),
    ],
    ids=["CR", "CRLF", "BOM", "blank after the header", "blank lines", *map(ascii, BLANKS)],
)
def test_no_spelling_of_a_good_file_loses_or_condemns_its_rows(
    package: Path, node: Path, spelling: Callable[[str], str]
) -> None:
    text = "\n".join(rows()[:4]) + "\n"
    counts = transform(package, node, spelling(text))
    assert (counts["raw"], counts["good"], counts["quarantined"]) == (3, 3, 0)


def test_a_first_line_that_is_no_header_is_a_row_that_is_set_aside(package: Path, node: Path) -> None:
    row = rows()[1]
    counts = transform(package, node, row + "\n")
    assert (counts["raw"], counts["quarantined"]) == (1, 1)
    assert set_aside(node) == [(row, [f"the file does not begin with its header, but with: {row}"])]


def test_lines_are_numbered_as_an_editor_numbers_them(package: Path, node: Path) -> None:
    header, good, bad, *_ = rows()
    transform(package, node, "\r\n".join((header, "", "  ", good, "x" + bad)) + "\r\n")
    ((line,),) = duckdb.read_parquet(str(node / "quarantine.parquet")).project("line").fetchall()
    assert line == 5


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("dep_time", "517.6", "dep_time is no INTEGER: 517.6"),
        ("air_time", "7.5", "air_time is no INTEGER: 7.5"),
        ("distance", "1e3", "distance is no INTEGER: 1e3"),
        ("flight", "99999999999", "flight is no INTEGER: 99999999999"),
        ("dep_time", "1299", "dep_time is no clock time: 1299"),
        (
            "time_hour",
            "2013-02-09T05:00:00Z",
            "time_hour is of another day than the file: 2013-02-09T05:00:00Z",
        ),
        ("time_hour", "2013-02-08 05:00", "time_hour is no TIMESTAMPTZ: 2013-02-08 05:00"),
        ("carrier", "U\0A", "the row holds characters of code zero"),
        ("carrier", '"UA"', 'carrier is not written as [A-Z0-9]{2}: "UA"'),
        ("tailnum", '"N3ALAA"', 'tailnum is not written as [A-Z0-9]+: "N3ALAA"'),
        ("dest", "ord", "dest is not written as [A-Z]{3}: ord"),
    ],
)
def test_a_value_is_never_made_another(
    package: Path, node: Path, column: str, value: str, reason: str
) -> None:
    header, row, *_ = rows()
    bad = changed(row, **{column: value})
    transform(package, node, f"{header}\n{bad}\n")
    assert set_aside(node) == [(bad.replace("\0", ""), [reason])]


def test_the_last_hour_of_a_day_is_of_that_day(package: Path, node: Path) -> None:
    header, row, *_ = rows()
    late = changed(row, hour="23", time_hour="2013-02-09T04:00:00Z")  # 23:00 in New York
    assert transform(package, node, f"{header}\n{late}\n")["good"] == 1


def test_the_first_good_row_of_a_flight_is_kept_however_the_others_are_spelt(
    package: Path, node: Path
) -> None:
    header, row, *_ = rows()
    flight, hour = row.split(",")[10], row.split(",")[18]
    bad = changed(row, dep_time="9999")
    padded = changed(row, flight=f"0{flight}")
    spelt = changed(row, time_hour=hour.replace("T", " ").replace("Z", "+00:00"))
    transform(package, node, "\n".join((header, bad, row, padded, spelt)))
    twice = ["line 3 has the same time_hour, carrier, flight"]
    outcome = dict(set_aside(node))
    assert outcome.pop(bad)
    assert outcome == {padded: twice, spelt: twice}


def test_a_day_is_put_together_and_its_rows_counted_again(package: Path, node: Path, tmp_path: Path) -> None:
    text = damaged(raw_files([DAY])[NAME])
    report = merge(package, node, tmp_path / "day", {NAME: text})
    raw = len(text.splitlines()) - 1
    assert report == {
        **{"day": DAY, "files": 1, "raw": raw, "good": raw - 3, "quarantined": 3},
        **{"blank": [], "without_good": []},
        "unknown": {"airlines": 0, "airports": 0, "planes": 75},
    }


def test_the_report_of_a_day_names_its_files_without_a_good_row(
    package: Path, node: Path, tmp_path: Path
) -> None:
    header, row, *_ = rows()
    names = [NAME.replace("LGA", origin) for origin in ("AAA", "BBB", "CCC", "DDD")]
    texts = [f"\ufeff{header}\r\n", "", "\n \r\n", "nonsense\n"]
    report = merge(
        package, node, tmp_path / "day", dict(zip((*names, NAME), (*texts, f"{header}\n{row}"), strict=True))
    )
    assert (report["raw"], report["good"], report["quarantined"]) == (2, 1, 1)
    wrong = "the file does not begin with its header, but with: nonsense"
    assert report["without_good"] == [
        {"file": names[0], "why": "a header and no rows"},
        {"file": names[3], "why": f"1 row(s), all to be set aside, the first one as {wrong}"},
    ]
    assert report["blank"] == names[1:3]


def test_a_flight_in_two_files_is_that_of_the_first_one_by_name(
    package: Path, node: Path, tmp_path: Path
) -> None:
    header, row, *_ = rows()
    other = NAME.replace("LGA", "JFK")
    texts = {NAME: f"{header}\n{row}\n", other: f"{header}\n\n{changed(row, origin='JFK')}\n"}
    report = merge(package, node, tmp_path / "day", texts)
    assert (report["raw"], report["good"], report["quarantined"]) == (2, 1, 1)
    kept, twice = (str(tmp_path / "day" / name) for name in ("flights.parquet", "quarantine.parquet"))
    assert duckdb.read_parquet(kept).project("origin").fetchall() == [("JFK",)]
    assert duckdb.read_parquet(twice).fetchall() == [
        (NAME, 2, [f"line 3 of {other} has the same time_hour, carrier, flight"], row)
    ]


def test_the_rows_of_a_damaged_day_can_be_loaded(
    package: Path, node: Path, tmp_path: Path, tables: Tables
) -> None:
    header, *lines = rows()
    lines[0], lines[1] = "x\0" + lines[0], lines[1].replace(",AA,", ",A\0A,")
    folder = tmp_path / "day"
    report = merge(package, node, folder, {NAME: "\n".join((header, *lines, lines[2]))})
    day = replace(
        files(tmp_path / "some", 0, 0, DAY),
        flights=folder / "flights.parquet",
        quarantine=folder / "quarantine.parquet",
        **{name: report[name] for name in ("raw", "good", "quarantined")},
    )
    tables.warehouse.load(day, lambda: None, job_id="j", dag_id="d", run_id="r")
    assert tables.ask("select count(*) from flights") == [(len(lines) - 2,)]
    assert tables.ask("select line from quarantine order by line") == [(2,), (3,), (len(lines) + 2,)]


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("flights/2013-02-08/LGA.csv", "2013-02-08"),
        ("flights/2013-02-30/LGA.csv", None),
        ("flights/2013-02-08/LGA.CSV", "2013-02-08"),
        ("flights/2013-02-08/a/LGA.csv", "2013-02-08"),
        ("flights/2013-02-08/", None),
        ("flights/LGA.csv", None),
        ("reference/planes.csv", None),
    ],
)
def test_the_day_of_a_file(name: str, day: str | None) -> None:
    assert day_of(name) == day
    if day:
        assert RawFile(name, "", "", "").day == day


@pytest.mark.parametrize(
    "name", ["jfk.csv", "JFK.CSV", "J FK.csv", "JFK#1.csv", "ÄÖ.csv", "a/JFK.csv", "JFK.csv.gz", "{{x}}.csv"]
)
def test_a_file_of_another_name_is_set_aside_whole(package: Path, node: Path, name: str) -> None:
    file = RawFile(f"flights/{DAY}/{name}", "", "", "")
    graph = flights_graph([asdict(file)], "place", "1.0")
    graph.validate()
    environment = dict(graph.spec(f"transform-{DAY}-other-1").environment)
    (node / "raw.csv").write_text("\n".join(rows()[:3]))
    finished = run("transform", package, node, **environment)
    assert finished.returncode == 0, finished.stderr
    quarantine = duckdb.read_parquet(str(node / "quarantine.parquet")).fetchall()
    reasons = ["the name of the file is not <airport>.csv, such as JFK.csv"]
    assert quarantine == [(file.name, 2, reasons, rows()[1]), (file.name, 3, reasons, rows()[2])]
