from __future__ import annotations

import pytest

from airflow_batch_provider.spec.patterns import can_begin, can_end, fixed_directory, matches


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("parts/*.txt", "parts/0.txt", True),
        ("parts/*.txt", "parts/a/0.txt", False),
        ("parts/*", "parts/.hidden", False),
        ("parts/.*", "parts/.hidden", True),
        ("**/*.txt", "0.txt", True),
        ("**/*.txt", "a/b/0.txt", True),
        ("a/**", "a/b/c", True),
        ("a/**", "b/c", False),
        ("part-?.txt", "part-1.txt", True),
        ("part-?.txt", "part-10.txt", False),
        ("[a-c].txt", "b.txt", True),
        ("[!a-c].txt", "b.txt", False),
        ("abc[*]", "abc*", True),
        ("a.txt", "aatxt", False),
        ("a+b.txt", "a+b.txt", True),
    ],
)
def test_patterns_match_as_the_service_says(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


@pytest.mark.parametrize(
    ("pattern", "directory"),
    [("a/b/*.txt", "a/b"), ("*.txt", ""), ("a/*/c.txt", "a"), ("**/x", ""), ("a/b.txt", "a")],
)
def test_the_fixed_directory_ends_before_the_first_wildcard(pattern: str, directory: str) -> None:
    assert fixed_directory(pattern) == directory


@pytest.mark.parametrize(
    ("pattern", "beginning", "expected"),
    [
        ("*.csv", "", True),
        ("*.csv", "sc", True),
        ("*.csv", "scans/", False),
        ("*.csv", ".sc", False),
        ("scans/*/a.csv", "scans/x", True),
        ("scans/*/a.csv", "scans/x/a", True),
        ("scans/*/a.csv", "scans/x/b", False),
        ("scans/*/a.csv", "scans/x/a.csv", True),
        ("scans/*/a.csv", "scans/x/a.csv.gz", False),
        ("**/a.csv", "x/y/a.cs", True),
        ("**/a.csv", "x/y/z", True),
        ("b/**/a.csv", "x/", False),
        ("scans/**", "scans/x/y", True),
        ("scans/**", "scan", True),
        ("[a-c]?.csv", "b", True),
        ("[a-c]?.csv", "d", False),
    ],
)
def test_a_beginning_that_no_name_of_a_pattern_has(pattern: str, beginning: str, expected: bool) -> None:
    assert can_begin(pattern, beginning) is expected


@pytest.mark.parametrize(
    ("pattern", "ending", "expected"),
    [
        ("*.csv", "", True),
        ("*.csv", ".csv", True),
        ("*.CSV", ".csv", True),
        ("*.csv", ".tiff", False),
        ("data/*", ".tiff", True),
        ("data/*", "b/a.tiff", False),
        ("data/*", "data/a.tiff", True),
        ("**/a.csv", "/x/a.csv", True),
        ("**/a.csv", "b.csv", False),
        ("**", "/x/a.csv", True),
        ("part-?.csv", "11.csv", False),
    ],
)
def test_an_ending_that_no_name_of_a_pattern_has(pattern: str, ending: str, expected: bool) -> None:
    assert can_end(pattern, ending) is expected
