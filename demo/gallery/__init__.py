"""The gallery: one DAG per common use of Batch. A DAG's id is its name: `make demo DAG=option_pricing`."""

from __future__ import annotations

from demo.gallery import (
    hyperparameter_sweep,
    kmer_count,
    mpi_simulation,
    option_pricing,
    parallel_tests,
    render_tiles,
)
from demo.gallery.entry import Entry, Outcome, Played, Shown, WrongResultError
from demo.gallery.playing import play, tell

__all__ = ["GALLERY", "Entry", "Outcome", "Played", "Shown", "WrongResultError", "play", "tell"]

#: By DAG id. Each has a page in `docs/gallery/` and a test in `tests/e2e/test_gallery.py`.
GALLERY: dict[str, Entry] = {
    module.ENTRY.dag_id: module.ENTRY
    for module in (
        hyperparameter_sweep,
        kmer_count,
        mpi_simulation,
        option_pricing,
        parallel_tests,
        render_tiles,
    )
}
