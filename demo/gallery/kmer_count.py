"""K-mer count, judged by a count of the whole genome at once, in numbers instead of texts."""

from __future__ import annotations

import gzip
import json
from collections import Counter

import numpy as np

from demo.gallery.entry import Entry, Outcome, Shown, WrongResultError
from demo.gallery.genome import CREDIT, genome

__all__ = ["ENTRY", "count_whole", "judge_counts", "judge_summary"]

_FILE, _K = "ecoli-k12.fasta.gz", 9
_SHOWN = 5
_TOLD = 3
_LETTERS = "ACGT"


def count_whole(fasta: bytes, k: int) -> dict[str, int]:
    """The k-mers of a genome, each with its reverse complement, without shards.

    Every k-mer is a number of k digits to the base four, and its reverse complement likewise.

    Parameters:
        fasta: the genome, not zipped.
        k: at most 12, since there is a place in memory for every possible k-mer.
    """
    places = np.zeros(4**k, dtype=np.int64)
    for record in fasta.upper().split(b">"):
        letters = np.frombuffer(b"".join(record.split(b"\n")[1:]), dtype=np.uint8)
        windows = len(letters) - k + 1
        if windows < 1:
            continue
        digits = np.full(256, 4, dtype=np.int64)
        digits[list(_LETTERS.encode())] = range(4)
        read = digits[letters]
        forward = np.zeros(windows, dtype=np.int64)
        backward = np.zeros(windows, dtype=np.int64)
        known = np.ones(windows, dtype=bool)
        for place in range(k):
            digit = read[place : place + windows]
            known &= digit < 4
            forward = 4 * forward + digit
            backward += (3 - digit) * 4**place
        places += np.bincount(np.minimum(forward, backward)[known], minlength=4**k)
    return {_text(int(number), k): int(places[number]) for number in np.flatnonzero(places)}


def judge_counts(counts: str, spectrum: str, right: dict[str, int]) -> list[tuple[str, ...]]:
    """Rows of the table: the most frequent k-mers.

    Parameters:
        counts: lines of a k-mer and its count.
        spectrum: lines of a count and the number of k-mers that have it.
        right: counts by k-mer.

    Raises:
        WrongResultError: they differ anywhere.
    """
    rows = [line.split("\t") for line in counts.splitlines()]
    found = {kmer: int(times) for kmer, times in rows}
    if len(found) != len(rows):
        raise WrongResultError("A k-mer is in the counts twice.")
    if found != right:
        wrong = [kmer for kmer in sorted({*found, *right}) if found.get(kmer) != right.get(kmer)]
        raise WrongResultError(
            f"{len(wrong):,} k-mers have a wrong count; {wrong[0]} has {found.get(wrong[0], 0)}, and a "
            f"serial count finds {right.get(wrong[0], 0)}."
        )
    lines = [tuple(map(int, line.split("\t"))) for line in spectrum.splitlines()]
    if sorted(lines) != sorted(Counter(right.values()).items()):
        raise WrongResultError("The spectrum is not that of the counts.")
    most = sorted(right.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
    return [(kmer, f"{times:,}", f"{found[kmer]:,}") for kmer, times in most]


def judge_summary(report: object, right: dict[str, int]) -> None:
    """Whether what the run says of itself is what its counts say.

    Parameters:
        report: `kmers`: all that were counted; `distinct`: different ones; `most`: the three most frequent
            ones and their counts, the first first. Which ones of the same count are told is left to it.

    Raises:
        WrongResultError: not so.
    """
    said = report if isinstance(report, dict) else {}
    numbers = {"kmers": sum(right.values()), "distinct": len(right)}
    for name, number in numbers.items():
        if said.get(name) != number:
            raise WrongResultError(f"The report has {name} {said.get(name)!r} instead of {number}.")
    most = [(str(kmer), times) for kmer, times in said.get("most", ())]
    counts = sorted(right.values(), reverse=True)[:_TOLD]
    if (
        [times for _, times in most] != counts
        or len(dict(most)) != len(most)
        or any(right.get(kmer) != times for kmer, times in most)
    ):
        raise WrongResultError(
            f"The report has {most} as the most frequent k-mers, whose counts are {counts}."
        )


def _text(number: int, k: int) -> str:
    return "".join(_LETTERS[number >> 2 * place & 3] for place in reversed(range(k)))


def _judge(outcome: Outcome) -> Shown:
    right = count_whole(gzip.decompress(genome()), _K)
    folder = f"outgoing/kmers/{_FILE}/k{_K}"
    counts, spectrum = (outcome.blob(f"{folder}/{name}.tsv").decode() for name in ("counts", "spectrum"))
    rows = judge_counts(counts, spectrum, right)
    judge_summary(json.loads(outcome.blob(f"{folder}/report.json")), right)
    total = f"{sum(right.values()):,} {_K}-mers, {len(right):,} different ones: all counts are right"
    return Shown(
        "The most frequent k-mers", ("k-mer", "serial", "by shards"), rows, (total, f"Data: {CREDIT}")
    )


ENTRY = Entry(
    "kmer_count",
    _judge,
    inputs=lambda: {f"inputs/{_FILE}": genome()},
    conf={"genome": _FILE, "k": _K},
)
