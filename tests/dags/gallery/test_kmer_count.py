"""Cutting, counting, merging, and the judge: beside a count by hand, and beside each other."""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest
from kmers import kmers

from demo.gallery.entry import WrongResultError
from demo.gallery.kmer_count import count_whole, judge_counts, judge_summary

# Lower case, a letter that is no base, a record shorter than any k-mer, an empty one, folded lines.
GENOME = """>one with a description
ACGTACGTTGCANNACGGTTAAC
ccgtaacgtgcatgcaagtcg
>short
AC
>empty
>two
TTGACCATGNACGATCGGATTACAGGCATCCGTA
"""


@pytest.fixture
def genome(tmp_path: Path) -> Path:
    path = tmp_path / "genome"
    path.write_text(GENOME)
    return path


def by_shards(genome: Path, k: int, shards: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    cut: dict[int, list[tuple[str, str]]] = {}
    for number, name, text in kmers.pieces(kmers.records(genome), k, shards):
        cut.setdefault(number, []).append((name, text))
    assert set(cut) <= set(range(shards))
    for of_shard in cut.values():
        counts.update(kmers.count(of_shard, k))
    return counts


def test_a_count_by_hand() -> None:
    """AAC and GTT are one, and so are ACG and CGT; what holds the N is none."""
    assert kmers.count([("x", "AACGTTNAAC")], 3) == {"AAC": 3, "ACG": 2}
    assert count_whole(b">x\nAACGTTNAAC\n", 3) == {"AAC": 3, "ACG": 2}


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("k", [1, 2, 4, 9])
def test_shards_count_what_the_whole_has(genome: Path, k: int, shards: int) -> None:
    right = count_whole(GENOME.encode(), k)
    assert len(right) > 1
    assert by_shards(genome, k, shards) == right


def test_records_are_read_the_same_when_they_are_zipped(genome: Path, tmp_path: Path) -> None:
    zipped = tmp_path / "genome.gz"
    zipped.write_bytes(gzip.compress(GENOME.encode()))
    assert list(kmers.records(zipped)) == list(kmers.records(genome))
    assert [name for name, _ in kmers.records(genome)] == ["one", "short", "two"]


def test_shards_are_of_the_same_size(genome: Path) -> None:
    sizes = Counter[int]()
    for number, _, text in kmers.pieces(kmers.records(genome), 4, 3):
        sizes[number] += len(text) - 3
    assert sizes[0] == sizes[1] >= sizes[2] > sizes[1] - 3, sizes  # the last one has what is left


def test_the_steps_hand_their_files_to_each_other(
    genome: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step(tmp_path, monkeypatch, "cut", "-k", "4", "--shards", "3", str(genome))
    for number in range(3):
        folder = tmp_path / f"count-{number}"
        folder.mkdir()
        step(folder, monkeypatch, "count", "-k", "4", f"../shard-{number:03}.fasta")
    step(tmp_path, monkeypatch, "merge")
    counts, spectrum = ((tmp_path / f"{name}.tsv").read_text() for name in ("counts", "spectrum"))
    right = count_whole(GENOME.encode(), 4)
    assert judge_counts(counts, spectrum, right)[0][1] == str(max(right.values()))
    judge_summary(json.loads((tmp_path / "report.json").read_text()), right)


def step(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["kmers.py", *words])
    kmers.main()


class TestJudge:
    RIGHT: ClassVar = {"AAC": 3, "ACG": 3, "CCC": 1}
    COUNTS, SPECTRUM = "AAC\t3\nACG\t3\nCCC\t1\n", "1\t1\n3\t2\n"

    def test_what_is_right_passes(self) -> None:
        assert judge_counts(self.COUNTS, self.SPECTRUM, self.RIGHT)[0] == ("AAC", "3", "3")

    @pytest.mark.parametrize(
        ("counts", "said"),
        [
            ("AAC\t3\nACG\t2\nCCC\t1\n", "1 k-mers have a wrong count; ACG has 2"),
            ("AAC\t3\nACG\t3\n", "CCC has 0, and a serial count finds 1"),
            ("AAC\t3\nACG\t3\nCCC\t1\nGTT\t1\n", "GTT has 1, and a serial count finds 0"),
            ("AAC\t3\nACG\t3\nCCC\t1\nCCC\t1\n", "twice"),
        ],
    )
    def test_what_is_wrong_is_named(self, counts: str, said: str) -> None:
        with pytest.raises(WrongResultError, match=said):
            judge_counts(counts, self.SPECTRUM, self.RIGHT)

    MOST: ClassVar = [["ACG", 3], ["AAC", 3], ["CCC", 1]]

    def test_what_the_run_says_of_itself_is_what_it_counted(self) -> None:
        judge_summary({"kmers": 7, "distinct": 3, "most": self.MOST}, self.RIGHT)

    @pytest.mark.parametrize(
        ("report", "said"),
        [
            ({}, "kmers None instead of 7"),
            ([], "kmers None instead of 7"),
            ({"kmers": 8, "distinct": 3, "most": MOST}, "kmers 8 instead of 7"),
            ({"kmers": 7, "distinct": 2, "most": MOST}, "distinct 2 instead of 3"),
            ({"kmers": 7, "distinct": 3}, "most frequent"),
            ({"kmers": 7, "distinct": 3, "most": MOST[::-1]}, "most frequent"),
            ({"kmers": 7, "distinct": 3, "most": [["ACG", 3], ["CCC", 3], ["AAC", 1]]}, "most frequent"),
            ({"kmers": 7, "distinct": 3, "most": [["ACG", 3], ["ACG", 3], ["CCC", 1]]}, "most frequent"),
        ],
    )
    def test_a_report_of_other_counts_is_refused(self, report: object, said: str) -> None:
        with pytest.raises(WrongResultError, match=said):
            judge_summary(report, self.RIGHT)

    @pytest.mark.parametrize("spectrum", ["1\t2\n3\t1\n", "1\t1\n", "1\t1\n1\t1\n3\t2\n", ""])
    def test_a_spectrum_of_other_counts_is_refused(self, spectrum: str) -> None:
        with pytest.raises(WrongResultError, match="spectrum"):
            judge_counts(self.COUNTS, spectrum, self.RIGHT)


@pytest.mark.parametrize("shards", [[0, 1], [0, 1, 2, 2], [0, 1, 1], []])
def test_a_lost_or_doubled_shard_is_noticed(genome: Path, shards: list[int]) -> None:
    cut = list(kmers.pieces(kmers.records(genome), 4, 3))
    pieces = [(name, text) for shard in shards for number, name, text in cut if number == shard]
    wrong = "".join(f"{kmer}\t{times}\n" for kmer, times in kmers.count(pieces, 4).items())
    with pytest.raises(WrongResultError, match="a serial count finds"):
        judge_counts(wrong, "", count_whole(GENOME.encode(), 4))


def test_shards_that_do_not_overlap_are_noticed(genome: Path) -> None:
    """The mistake that this example is about."""
    whole = [(name, text) for name, text in kmers.records(genome)]
    halves = [(name, text[part]) for name, text in whole for part in (slice(0, 20), slice(20, None))]
    wrong = "".join(f"{kmer}\t{times}\n" for kmer, times in kmers.count(halves, 4).items())
    with pytest.raises(WrongResultError, match="a serial count finds"):
        judge_counts(wrong, "", count_whole(GENOME.encode(), 4))
