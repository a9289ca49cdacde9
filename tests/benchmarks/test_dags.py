"""The DAGs that benchmarks measure with can be parsed: no other test runs them."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FILES = [*BENCHMARKS.glob("*_dag*.py"), *BENCHMARKS.glob("dags/*.py")]


def test_they_are_found() -> None:
    assert len(FILES) >= 3


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_can_be_parsed(path: Path) -> None:
    run_path(str(path))
