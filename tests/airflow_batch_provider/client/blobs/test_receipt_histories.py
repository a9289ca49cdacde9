"""However runs fall between the writes of a blob: its last version is taken, and no version twice."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_batch_provider.client.blobs.receipts import Receipts
from tests.airflow_batch_provider.client.blobs.writes import STEPS, Step, history


class Shelf:
    """What receipts need of a container, in memory."""

    def __init__(self) -> None:
        self.blobs: dict[str, tuple[bytes, dict[str, str]]] = {}

    def list_blobs(self, name_starts_with: str, include: list[str]) -> Iterator[Any]:
        for name, (_, metadata) in list(self.blobs.items()):
            if name.startswith(name_starts_with):
                yield SimpleNamespace(name=name, metadata=metadata)

    def upload_blob(
        self, name: str, data: bytes, overwrite: bool, metadata: dict[str, str] | None = None
    ) -> None:
        if not overwrite and name in self.blobs:
            raise ResourceExistsError
        self.blobs[name] = data, metadata or {}

    def download_blob(self, name: str) -> Any:
        if name not in self.blobs:
            raise ResourceNotFoundError
        return SimpleNamespace(readall=lambda: self.blobs[name][0])


@given(steps=STEPS, ends=st.lists(st.integers(1, 8), max_size=5), reads=st.booleans(), shuffle=st.randoms())
@settings(max_examples=300, deadline=None)
def test_the_last_version_is_taken_by_some_run_and_no_version_twice(
    steps: list[Step], ends: list[int], reads: bool, shuffle: Any
) -> None:
    writes, shelf = history(steps), Shelf()
    taken: list[str] = []
    for run, end in enumerate([*sorted(min(end, len(writes)) for end in ends), len(writes)]):
        now = writes[end - 1].etag
        events = [event for write in writes[:end] for event in write.tellings()]
        shuffle.shuffle(events)
        asked: list[str] = []

        def etag_now(event: Any, now: str = now, asked: list[str] = asked) -> str:
            asked.append(event.url)
            return now if reads else ""

        receipts: Any = Receipts(shelf, "dag/task", f"run-{run}", etag_now)  # type: ignore[arg-type]
        mine = [event.etag for event in receipts.claim(events).mine]

        taken += mine
        assert now in taken
        assert len(asked) <= 1
        if reads:
            assert set(mine) <= {now}

    assert len(taken) == len(set(taken))
