"""Patterns of output files: what they match and what the blobs are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_emulator.nodes.output_patterns import expand_variables, find_outputs

FILES = [
    "stdout.txt",
    "stderr.txt",
    "wd/a.txt",
    "wd/b.txt",
    "wd/c.log",
    "wd/[x].txt",
    "wd/.hidden.txt",
    "wd/out/a.mp4",
    "wd/out/deep/b.mp4",
    "wd/out/.cache/c.mp4",
]


@pytest.fixture
def working(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path / "wd"


def names(pattern: str, working: Path, path: str | None = None) -> list[str]:
    return [match.blob_name for match in find_outputs(pattern, working, {"SUB": "out"}, path)]


@pytest.mark.parametrize(
    ("pattern", "path", "blobs"),
    [
        # without a wildcard the path is the blob's name
        ("a.txt", None, ["a.txt"]),
        ("out/a.mp4", None, ["a.mp4"]),
        ("out/a.mp4", "films/one.mp4", ["films/one.mp4"]),
        ("../stdout.txt", "log", ["log"]),
        ("missing.txt", "x", []),
        ("out", "x", []),
        # with one the path is a directory
        ("*.txt", None, ["[x].txt", "a.txt", "b.txt"]),
        ("*.txt", "t", ["t/[x].txt", "t/a.txt", "t/b.txt"]),
        ("../std*.txt", "mytask", ["mytask/stderr.txt", "mytask/stdout.txt"]),
        ("out/*.mp4", "v/", ["v/a.mp4"]),
        ("**/*.mp4", "v", ["v/out/a.mp4", "v/out/deep/b.mp4"]),
        ("out/**/*.mp4", "v", ["v/a.mp4", "v/deep/b.mp4"]),
        ("out/**", None, ["a.mp4", "deep/b.mp4"]),
        ("**/*.txt", None, ["[x].txt", "a.txt", "b.txt"]),
        ("*/*.mp4", None, ["out/a.mp4"]),
        ("$SUB/*.mp4", None, ["a.mp4"]),
        ("%SUB%/*.mp4", None, ["a.mp4"]),
        # single characters and classes
        ("?.txt", None, ["a.txt", "b.txt"]),
        ("[ac].*", None, ["a.txt", "c.log"]),
        ("[a-b].txt", None, ["a.txt", "b.txt"]),
        ("[!a].txt", None, ["b.txt"]),
        ("[[]x].txt", None, ["[x].txt"]),
        ("[[]x[]].txt", None, ["[x].txt"]),
        # a leading dot has to be written
        (".*.txt", None, [".hidden.txt"]),
        ("out/.cache/*", None, ["c.mp4"]),
        ("no/such/dir/*", None, []),
    ],
)
def test_pattern(working: Path, pattern: str, path: str | None, blobs: list[str]) -> None:
    assert names(pattern, working, path) == blobs


def test_an_absolute_pattern_starts_at_the_root(working: Path) -> None:
    assert names(f"{working}/out/*.mp4", working) == ["a.mp4"]


def test_the_files_themselves_are_named(working: Path) -> None:
    (match,) = find_outputs("out/*.mp4", working, {}, "v")
    assert match.file == working / "out/a.mp4"


def test_directories_and_broken_links_are_no_outputs(working: Path) -> None:
    (working / "dir.txt").mkdir()
    (working / "gone.txt").symlink_to("nowhere")
    assert names("*.txt", working) == ["[x].txt", "a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$A/x", "1/x"),
        ("${A}b", "1b"),
        ("%A%", "1"),
        ("$NO/%NO%", "$NO/%NO%"),
        ("100%", "100%"),
        ("$Ab", "$Ab"),
    ],
)
def test_variables_are_expanded_when_they_are_known(text: str, expanded: str) -> None:
    assert expand_variables(text, {"A": "1"}) == expanded
