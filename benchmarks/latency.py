"""How long it takes from a blob's upload to the start of a DAG run, and what part of it is Airflow's own.

A whole Airflow on PostgreSQL, with Azurite: blobs are uploaded to two containers at random moments, one of
them watched by a queue and one by listing, first while nothing else runs, then while 50 other runs have short
tasks going on. The messages are put into the queue as soon as the blob is there: how long Event Grid takes to
do that is Azure's, and not in the figures. The peer in each row is Airflow alone, from the stored asset event
to the start of the run, in the same samples. All times are of this machine's one clock.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import count, pairwise
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from benchmarks import latency_dags
from benchmarks.table import Row
from demo.stack import LocalStack, StackOptions
from demo.stack.postgres import Postgres, running_postgres

SAMPLES = int(os.environ.get("BENCH_SAMPLES", "25"))
BUSY_RUNS = 50
WAYS = ("queue", "listing")
PAUSE_SECONDS = (5.0, 9.0)
_PATIENCE_SECONDS = 300.0
_LOOKS_A_NUDGE = 5
_MOST_EVENTS = 2000
_PARTS = ("noticed and stored", "run created", "run started")


@dataclass(frozen=True)
class Sample:
    """One blob's way, in seconds since the epoch."""

    uploaded: float
    stored: float
    created: float
    started: float

    @property
    def whole(self) -> float:
        """From the upload to the start of the run."""
        return self.started - self.uploaded

    @property
    def own(self) -> float:
        """Airflow's part of it: from the stored event on."""
        return self.started - self.stored

    @property
    def parts(self) -> tuple[float, ...]:
        """Seconds of each step."""
        moments = (self.uploaded, self.stored, self.created, self.started)
        return tuple(later - earlier for earlier, later in pairwise(moments))


def rows() -> list[Row]:
    """Median and 95th percentile, for both ways, idle and busy."""
    result = []
    with _stack() as stack:
        for load in ("idle", "busy"):
            if load == "busy":
                _make_busy(stack)
            samples = _measure(stack, load)
            if load == "busy":
                still = sum(not run.has_ended for run in stack.airflow.dag_runs("busy"))
                assert still == BUSY_RUNS, f"only {still} other runs were going on in the end"
            for way in WAYS:
                _tell_parts(f"{way}, {load}", samples[way])
                for what, percent in (("median", 50), ("p95", 95)):
                    ours = _percentile([sample.whole for sample in samples[way]], percent)
                    theirs = _percentile([sample.own for sample in samples[way]], percent)
                    name = f"upload to run start, {way}, {load}, {what}"
                    result.append(Row(name, ours, "s", "Airflow: event stored to run start", theirs))
    return result


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _tell_parts(name: str, samples: list[Sample]) -> None:
    parts = zip(_PARTS, zip(*(sample.parts for sample in samples), strict=True), strict=True)
    told = ", ".join(
        f"{part} {_percentile(list(seconds), 50):.2f}, {_percentile(list(seconds), 95):.2f}"
        for part, seconds in parts
    )
    print(f"latency, {name}, {len(samples)} blobs, median and p95: {told}", file=sys.stderr, flush=True)


@contextmanager
def _stack() -> Iterator[LocalStack]:
    folder = Path(tempfile.mkdtemp(prefix="batch-bench-"))
    try:
        (folder / "dags").mkdir()
        shutil.copy(latency_dags.__file__, folder / "dags")
        with running_postgres() as postgres, LocalStack(_options(folder, postgres)) as stack:
            with _queue(stack) as queue:
                queue.create_queue()
            _until(
                lambda: all(stack.airflow.has_dag(f"latency_{way}") for way in WAYS), "the DAGs are parsed"
            )
            _until(lambda: all([_begins_runs(stack, way) for way in WAYS]), "the watchers run")
            yield stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options(folder: Path, postgres: Postgres) -> StackOptions:
    return StackOptions(
        folder / "stack",
        folder / "dags",
        with_emulator=False,
        containers=WAYS,
        subscriptions=(),
        metadata_url=postgres.uri().replace("postgres://", "postgresql+psycopg2://"),
    )


def _begins_runs(stack: LocalStack, way: str) -> bool:
    """Whether a blob that was uploaded earlier has begun a run; and upload another, in case none was seen."""
    seen = bool(_samples(stack, way, {"first": 0.0}))
    _upload(stack, way, "first")
    return seen


def _make_busy(stack: LocalStack) -> None:
    for _ in range(BUSY_RUNS):
        stack.airflow.trigger("busy")
    _until(
        lambda: sum(run.state == "running" for run in stack.airflow.dag_runs("busy")) == BUSY_RUNS,
        "the other runs are going on",
    )


def _measure(stack: LocalStack, load: str) -> dict[str, list[Sample]]:
    uploaded: dict[str, dict[str, float]] = {way: {} for way in WAYS}
    for number in range(SAMPLES):
        for way in WAYS:
            uploaded[way][f"{load}-{number}"] = _upload(stack, way, f"{load}-{number}")
        time.sleep(random.uniform(*PAUSE_SECONDS))

    samples: dict[str, list[Sample]] = {}
    looks = count()

    def have_begun() -> bool:
        samples.update({way: _samples(stack, way, uploaded[way]) for way in WAYS})
        late = [way for way in WAYS if len(samples[way]) < SAMPLES]
        if next(looks) % _LOOKS_A_NUDGE == 0:
            for way in late:  # Airflow may start no run for an event until the next one comes
                _upload(stack, way, "later")
        return not late

    try:
        _until(have_begun, "every blob's run has begun")
    except TimeoutError as error:
        begun = ", ".join(f"{way} {len(samples[way])}" for way in WAYS)
        raise TimeoutError(f"{error}; of {SAMPLES} have begun: {begun}") from None
    return samples


def _upload(stack: LocalStack, way: str, name: str) -> float:
    """When the blob was there."""
    with BlobServiceClient.from_connection_string(stack.storage.connection_string) as service:
        client = service.get_blob_client(way, name)
        etag = client.upload_blob(b"x", overwrite=True)["etag"]
        uploaded = time.time()
    if way == "queue":
        event = {
            "id": uuid.uuid4().hex,
            "subject": f"/blobServices/default/containers/{way}/blobs/{name}",
            "eventType": "Microsoft.Storage.BlobCreated",
            "eventTime": datetime.now(timezone.utc).isoformat(),
            "data": {"api": "PutBlob", "eTag": etag, "url": client.url, "contentLength": 1},
        }
        with _queue(stack) as queue:
            queue.send_message(base64.b64encode(json.dumps(event).encode()).decode())
    return uploaded


def _queue(stack: LocalStack) -> QueueClient:
    return QueueClient.from_connection_string(stack.storage.connection_string, "latency")


def _samples(stack: LocalStack, way: str, uploaded: dict[str, float]) -> list[Sample]:
    """The blobs whose runs have begun."""
    samples = []
    assets = stack.airflow.call("GET", "/assets", params={"name_pattern": f"latency_{way}"})["assets"]
    for event in _events(stack, assets[0]["id"]):
        names = [blob["name"] for blob in event["extra"]["payload"]["blobs"]]
        for name in [name for name in names if name in uploaded]:
            for created in event["created_dagruns"]:
                run = stack.airflow.dag_run(created["dag_id"], created["run_id"])
                if run.queued_at and run.start_date:
                    stored = datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00"))
                    moments = (moment.timestamp() for moment in (stored, run.queued_at, run.start_date))
                    samples.append(Sample(uploaded[name], *moments))
    return samples


def _events(stack: LocalStack, asset_id: int) -> Iterator[Any]:
    """All events of an asset; Airflow gives a hundred at a time."""
    for offset in range(0, _MOST_EVENTS, 100):
        params = {"asset_id": asset_id, "limit": 100, "offset": offset, "order_by": "timestamp"}
        page = stack.airflow.call("GET", "/assets/events", params=params)["asset_events"]
        yield from page
        if len(page) < 100:
            return


def _until(condition: Any, what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {_PATIENCE_SECONDS:g} s: {what}")
        time.sleep(4.0)
