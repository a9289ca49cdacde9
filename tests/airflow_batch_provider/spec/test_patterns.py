from __future__ import annotations

import pytest

from airflow_batch_provider.spec.patterns import fixed_directory, matches


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
