"""Counts the k-mers of a genome by shards: `kmers.py cut|count|merge`. Runs on nodes: standard library only.

A k-mer and its reverse complement are one, as a sequencer reads either strand: the lesser of the two texts
stands for both. What holds another letter than A, C, G, T is left out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def records(path: Path) -> Iterator[tuple[str, str]]:
    """Name and sequence, in capitals, of each record of a FASTA file, which may be gzipped."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rt") if zipped else path.open() as lines:
        name, parts = "", []
        for line in lines:
            if line.startswith(">"):
                if parts:
                    yield name, "".join(parts).upper()
                name, parts = line[1:].split(maxsplit=1)[0].strip(), []
            else:
                parts.append(line.strip())
        if parts:
            yield name, "".join(parts).upper()


def pieces(sequences: Iterable[tuple[str, str]], k: int, shards: int) -> Iterator[tuple[int, str, str]]:
    """Number of a shard, name and sequence of each piece for it.

    Neighbours overlap by k - 1 letters: each k-mer of a record is in one piece, and none spans two records.
    """
    whole = [(name, text) for name, text in sequences if len(text) >= k]
    length = -(-sum(len(text) - k + 1 for _, text in whole) // shards)  # in k-mers, rounded up
    position = 0
    for name, text in whole:
        start = 0
        while start < len(text) - k + 1:
            number, filled = divmod(position, length)
            taken = min(length - filled, len(text) - k + 1 - start)
            piece = text[start : start + taken + k - 1]
            yield number, f"{name}:{start + 1}-{start + len(piece)}", piece
            start += taken
            position += taken


def count(sequences: Iterable[tuple[str, str]], k: int) -> Counter[str]:
    """How often each k-mer is there, on either strand."""
    as_read: Counter[str] = Counter()
    for _, text in sequences:
        as_read.update(text[start : start + k] for start in range(len(text) - k + 1))
    counts: Counter[str] = Counter()
    for kmer, times in as_read.items():
        if not kmer.strip("ACGT"):
            counts[min(kmer, kmer.translate(_COMPLEMENT)[::-1])] += times
    return counts


def write(counts: Counter[str], path: Path) -> None:
    """A line for each k-mer, in order."""
    path.write_text("".join(f"{kmer}\t{times}\n" for kmer, times in sorted(counts.items())))


def merged(paths: Iterable[Path]) -> Counter[str]:
    """The sum of counts that were written."""
    counts: Counter[str] = Counter()
    for path in paths:
        with path.open() as lines:
            for line in lines:
                kmer, times = line.split("\t")
                counts[kmer] += int(times)
    return counts


def _cut(options: argparse.Namespace) -> None:
    files = [Path(f"shard-{number:03}.fasta").open("w") for number in range(options.shards)]  # noqa: SIM115
    for number, name, text in pieces(records(options.genome), options.k, options.shards):
        files[number].write(f">{name}\n{text}\n")
    for file in files:
        print(f"{file.name}: {file.tell():,} bytes")
        file.close()


def _count(options: argparse.Namespace) -> None:
    write(count(records(options.shard), options.k), Path("counts.tsv"))


def _merge(options: argparse.Namespace) -> None:
    counts = merged(sorted(Path().glob("*/counts.tsv")))
    write(counts, Path("counts.tsv"))
    spectrum = Counter(counts.values())
    Path("spectrum.tsv").write_text(
        "".join(f"{times}\t{kmers}\n" for times, kmers in sorted(spectrum.items()))
    )
    report = {"kmers": sum(counts.values()), "distinct": len(counts), "most": counts.most_common(3)}
    Path("report.json").write_text(json.dumps(report))
    print(report)


def main() -> None:
    """Read the command line, and do one step in the working directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    steps = parser.add_subparsers(required=True)
    cut_ = steps.add_parser("cut", help="a genome into shards")
    cut_.add_argument("genome", type=Path)
    cut_.add_argument("--shards", type=int, required=True)
    count_ = steps.add_parser("count", help="the k-mers of a shard")
    count_.add_argument("shard", type=Path)
    merge_ = steps.add_parser("merge", help="the counts of all shards")
    for step in (cut_, count_):
        step.add_argument("-k", type=int, required=True)
    for step, work in ((cut_, _cut), (count_, _count), (merge_, _merge)):
        step.set_defaults(work=work)
    options = parser.parse_args()
    options.work(options)


if __name__ == "__main__":
    sys.exit(main())
