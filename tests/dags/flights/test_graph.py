"""The Batch job of many days: no day's counts depend on how many there are."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta

from flights.files import RawFile
from flights.graph import flights_graph, staged

DAYS = [(date(2013, 1, 1) + timedelta(days=number)).isoformat() for number in range(150)]


def test_each_of_150_days_leaves_its_rows_and_counts_where_the_load_looks() -> None:
    files = [
        asdict(RawFile(f"flights/{day}/{origin}.csv", "", "", ""))
        for day in DAYS
        for origin in ("EWR", "JFK")
    ]
    graph = flights_graph(files, "dag/run", "1.0")
    graph.validate()
    assert len(graph) == 3 * len(DAYS)
    for day in DAYS:
        spec = graph.spec(f"day-{day}")
        assert spec.result is None  # an XCom holds those of a hundred tasks at most
        left = {output.pattern: str(output.destination) for output in spec.outputs}
        assert left == {
            name: str(staged("dag/run", day) / name)
            for name in ("flights.parquet", "quarantine.parquet", "report.json")
        }
        assert set(graph.upstream(spec.id)) == {f"transform-{day}-EWR", f"transform-{day}-JFK"}
