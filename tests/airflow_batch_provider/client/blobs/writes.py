"""Random histories of one blob, as a queue, a listing, or both tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TypeAlias

from hypothesis import strategies as st

from airflow_batch_provider.client.blobs.blob_events import BLOB_CREATED, BlobEvent


def told(etag: str, time: str = "", sequencer: str = "", name: str = "a") -> BlobEvent:
    """With a sequencer as a queue tells of a version, else as a listing does."""
    url = f"https://s.blob.core.windows.net/in/{name}"
    return BlobEvent("", BLOB_CREATED, url, "in", name, etag, 3, "", time, sequencer, "")


@dataclass(frozen=True)
class Write:
    """One write of a blob, at a time of one true clock, and who tells of it."""

    number: int
    at: float
    event_late: float
    by_queue: bool
    by_listing: bool

    @property
    def etag(self) -> str:
        """Of the version that it made."""
        return f"0x{self.number}"

    def tellings(self) -> list[BlobEvent]:
        """What is told of it."""

        def moment(second: float) -> datetime:
            return datetime(2026, 6, 26, tzinfo=timezone.utc) + timedelta(seconds=second)

        queued = f"{moment(self.at + self.event_late):%Y-%m-%dT%H:%M:%S.%f}0Z"
        listed = f"{moment(self.at):%Y-%m-%dT%H:%M:%SZ}"
        return [
            *([told(self.etag, queued, f"{self.number:08}")] * self.by_queue),
            *([told(self.etag, listed)] * self.by_listing),
        ]


#: Seconds since the write before, seconds from the write to its event, and who tells of it.
Step: TypeAlias = "tuple[float, float, tuple[bool, bool]]"
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.1, 0.9, 1.0, 30.0, 4000.0]),
        st.sampled_from([-2.0, 0.0, 0.4, 90.0, 3000.0]),
        st.sampled_from([(True, True), (True, False), (False, True)]),
    ),
    min_size=1,
    max_size=8,
)


def history(steps: list[Step]) -> list[Write]:
    """The writes, in their order."""
    clock = 0.0
    writes = []
    for number, (pause, late, by) in enumerate(steps):
        clock += pause
        writes.append(Write(number, clock, late, *by))
    return writes
