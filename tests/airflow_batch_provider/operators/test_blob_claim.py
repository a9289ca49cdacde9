"""The first task of a DAG that blobs start."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.configuration import conf
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset
from azure.storage.blob import BlobServiceClient

from airflow_batch_provider.client.blobs.blob_events import (
    BLOB_CREATED,
    BLOB_DELETED,
    BLOB_RENAMED,
    BlobEvent,
)
from airflow_batch_provider.exceptions import BatchRequestError, BatchSpecError
from airflow_batch_provider.operators import blob_claim
from airflow_batch_provider.operators.blob_claim import AzureBlobClaimOperator
from airflow_batch_provider.spec.errors import SpecError
from demo.stack.accounts import StorageAccount
from tests.airflow_batch_provider.airflow_versions import AIRFLOW
from tests.connections import connection_to

if AIRFLOW < (3, 3):
    pytest.skip("needs what Airflow has from 3.3 on", allow_module_level=True)
from airflow.sdk.execution_time.context import InletEventsAccessor, OutletEventAccessors

INCOMING = Asset("incoming")
NOW = datetime.now(timezone.utc)


@dataclass
class RecordedEvent:
    """What Airflow hands out of its asset events."""

    extra: dict[str, Any]
    timestamp: datetime = field(default_factory=lambda: NOW)


def event_of(*names: str, age: timedelta = timedelta(0)) -> RecordedEvent:
    blobs = [
        BlobEvent(
            f"id-{name}",
            BLOB_CREATED,
            f"http://s/incoming/{name}",
            "incoming",
            name,
            "0x1",
            3,
            "",
            NOW.isoformat(),
            "",
            "",
        ).to_payload()
        for name in names
    ]
    return RecordedEvent({"from_trigger": True, "payload": {"blobs": blobs}}, NOW - age)


def context_of(*events: RecordedEvent, run: str = "run-1", waited: timedelta = timedelta(0)) -> Any:
    return {
        "dag": SimpleNamespace(dag_id="ingest"),
        "dag_run": SimpleNamespace(run_after=NOW - waited),
        "run_id": run,
        "inlet_events": {INCOMING: list(events)},
    }


@pytest.fixture
def claim(azurite: StorageAccount, monkeypatch: pytest.MonkeyPatch) -> AzureBlobClaimOperator:
    monkeypatch.setenv("AIRFLOW_CONN_AZURE_BATCH_DEFAULT", connection_to(azurite))
    return AzureBlobClaimOperator(
        task_id="new_blobs", asset=INCOMING, receipts_container=f"receipts-{uuid.uuid4().hex[:12]}"
    )


@pytest.mark.slow
def test_it_takes_what_all_events_announced_not_only_the_one_that_started_the_run(
    claim: AzureBlobClaimOperator,
) -> None:
    taken = claim.execute(context_of(event_of("a"), event_of("b", "c")))

    assert [blob["name"] for blob in taken] == ["a", "b", "c"]
    assert taken[0]["url"] == "http://s/incoming/a"
    json.dumps(taken)


@pytest.mark.slow
def test_it_says_what_has_happened_to_a_blob(claim: AzureBlobClaimOperator) -> None:
    event = event_of("a", "b")
    renamed, deleted = event.extra["payload"]["blobs"]
    renamed |= {"type": BLOB_RENAMED, "source_url": "http://s/incoming/a.tmp"}
    deleted |= {"type": BLOB_DELETED}

    taken = claim.execute(context_of(event))

    assert [(blob["kind"], blob["source_url"]) for blob in taken] == [
        ("renamed", "http://s/incoming/a.tmp"),
        ("deleted", ""),
    ]


@pytest.mark.slow
def test_another_run_takes_nothing_twice_and_a_retry_the_same_again(claim: AzureBlobClaimOperator) -> None:
    claim.execute(context_of(event_of("a")))

    assert claim.execute(context_of(event_of("a"), run="run-2")) == []
    assert [blob["name"] for blob in claim.execute(context_of(event_of("a")))] == ["a"]


@pytest.mark.slow
def test_of_versions_of_one_second_it_takes_the_one_that_is_there(
    claim: AzureBlobClaimOperator, azurite: StorageAccount
) -> None:
    container = f"incoming-{uuid.uuid4().hex[:12]}"
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        service.create_container(container)
        there = service.get_blob_client(container, "a b")
        etags = [there.upload_blob(data, overwrite=True)["etag"].strip('"') for data in (b"1", b"2")]
    second = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")

    def announced(*urls: str) -> RecordedEvent:
        return RecordedEvent(
            {
                "payload": {
                    "blobs": [
                        BlobEvent(
                            "", BLOB_CREATED, url, container, "a b", etag, 1, "", second, "", ""
                        ).to_payload()
                        for url in urls
                        for etag in etags
                    ]
                }
            }
        )

    elsewhere = "https://other.blob.core.windows.net/in/a%20b"
    taken = claim.execute(context_of(announced(there.url, elsewhere)))
    assert [(blob["url"], blob["etag"]) for blob in taken] == [
        (there.url, etags[1]),
        (elsewhere, etags[0]),
        (elsewhere, etags[1]),
    ]

    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        service.delete_container(container)
    assert [blob["etag"] for blob in claim.execute(context_of(announced(there.url), run="run-2"))] == [
        etags[0]
    ]


@pytest.mark.slow
def test_its_own_receipts_are_no_blobs_to_work_on(claim: AzureBlobClaimOperator) -> None:
    claim.receipts_container = "incoming"
    with pytest.raises(BatchSpecError, match=r"(?s)receipts of this task are announced.*is not watched"):
        claim.execute(context_of(event_of("ingest/new_blobs/2026-01-01/abc.json")))


@pytest.mark.slow
def test_events_before_the_lookback_are_left_alone(claim: AzureBlobClaimOperator) -> None:
    assert claim.execute(context_of(event_of("old", age=timedelta(days=2)))) == []


@pytest.mark.slow
def test_a_run_that_waits_longer_than_the_lookback_takes_what_it_was_made_for(
    claim: AzureBlobClaimOperator,
) -> None:
    events = [event_of("before", age=timedelta(days=3, hours=1)), event_of("later", age=timedelta(days=2))]
    older = event_of("old", age=timedelta(days=5))

    taken = claim.execute(context_of(older, *events, waited=timedelta(days=3)))

    assert [blob["name"] for blob in taken] == ["before", "later"]


@pytest.mark.slow
def test_events_of_others_than_the_trigger_are_no_harm(claim: AzureBlobClaimOperator) -> None:
    assert claim.execute(context_of(RecordedEvent({}), RecordedEvent({"payload": "text"}))) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("blobs", "told"),
    [
        ([{"url": "http://s/incoming/b"}], "a blob lacks id, type, container, name, etag"),
        (["http://s/incoming/b"], "a blob is 'http://s/incoming/b'"),
        ("http://s/incoming/b", "blobs is 'http://s/incoming/b'"),
        (
            [event_of("b").extra["payload"]["blobs"][0] | {"size": "3", "name": None}],
            "of the wrong kind: name, size",
        ),
    ],
)
def test_an_event_made_by_hand_keeps_no_run_from_the_others_and_is_told(
    claim: AzureBlobClaimOperator, capfd: pytest.CaptureFixture[str], blobs: Any, told: str
) -> None:
    by_hand = RecordedEvent({"payload": {"blobs": blobs}})

    assert [blob["name"] for blob in claim.execute(context_of(by_hand, event_of("a")))] == ["a"]

    logged = capfd.readouterr().out
    assert told in logged
    assert "blobs=" in logged


class Accessor(InletEventsAccessor):
    """Airflow's accessor of an asset's events, over a list instead of its API."""

    def __init__(self, recorded: list[RecordedEvent]) -> None:
        super().__init__(asset_name="incoming")
        self.recorded = recorded
        self.asked = 0

    @cached_property
    def _asset_events(self) -> Any:
        self.asked += 1
        after = datetime.fromisoformat(str(self._after))
        before = datetime.fromisoformat(str(self._before)) if self._before else NOW
        found = [event for event in self.recorded if after <= event.timestamp <= before]
        found.sort(key=lambda event: event.timestamp, reverse=not self._ascending)
        return found[: self._limit]


@pytest.mark.slow
def test_a_long_queue_of_events_is_read_to_its_oldest(
    claim: AzureBlobClaimOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_claim, "EVENTS_A_PAGE", 3)
    events = Accessor([event_of(str(age), age=timedelta(minutes=age)) for age in range(10)])
    context = context_of()
    context["inlet_events"] = {INCOMING: events}

    taken = claim.execute(context)

    assert [blob["name"] for blob in taken] == [str(age) for age in reversed(range(10))]


@pytest.mark.slow
def test_what_is_beyond_the_bound_is_said(
    claim: AzureBlobClaimOperator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(blob_claim, "EVENTS_A_PAGE", 3)
    monkeypatch.setattr(blob_claim, "PAGES", 2)
    events = Accessor([event_of(str(age), age=timedelta(minutes=age)) for age in range(10)])

    context = context_of()
    context["inlet_events"] = {INCOMING: events}
    claim.execute(context)

    assert events.asked == 2
    assert "More than 4 events" in capfd.readouterr().out


@pytest.mark.slow
def test_a_run_that_is_cleared_after_the_lookback_gets_its_blobs_again(claim: AzureBlobClaimOperator) -> None:
    claim.execute(context_of(event_of("a")))

    assert [blob["name"] for blob in claim.execute(context_of(event_of("a", age=timedelta(days=2))))] == ["a"]


@pytest.mark.slow
def test_a_wrong_key_is_explained(
    azurite: StorageAccount, claim: AzureBlobClaimOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = azurite.connection_string.replace(azurite.key, "d3Jvbmcta2V5")
    monkeypatch.setenv(
        "AIRFLOW_CONN_AZURE_BATCH_DEFAULT", connection_to(None, storage_connection_string=wrong)
    )

    with pytest.raises(BatchRequestError, match=r"Likely cause.*\n.*Next step") as refused:
        claim.execute(context_of(event_of("a")))

    assert refused.value.status == 403


def test_blobs_named_by_hand_are_taken_without_asking_storage() -> None:
    operator = AzureBlobClaimOperator(
        task_id="new_blobs", asset=INCOMING, blobs=["https://acct.blob.core.windows.net/in/a.mp4?sig=secret"]
    )

    [blob] = operator.execute(context_of())

    assert (blob["container"], blob["name"]) == ("in", "a.mp4")
    assert "secret" not in json.dumps(blob)


BLOB = "https://acct.blob.core.windows.net/in/a.mp4"


@pytest.mark.parametrize(
    "blobs",
    [
        lambda other: "{{ params.blobs }}",
        lambda other: [BLOB, "{{ params.blob }}"],
        lambda other: other,
        lambda other: [BLOB, other],
    ],
)
def test_blobs_that_are_not_known_at_parse_are_looked_at_in_the_worker(blobs: Any) -> None:
    with DAG("ingest"):
        other = EmptyOperator(task_id="other").output
        operator = AzureBlobClaimOperator(task_id="new_blobs", asset=INCOMING, blobs=blobs(other))
    operator.blobs = [BLOB, "in/a.mp4"]  # as Airflow renders it
    with pytest.raises(BatchSpecError, match=r"task 'new_blobs': a blob is named 'in/a\.mp4'.*Give its URL"):
        operator.execute(context_of())


@pytest.mark.parametrize(
    ("blobs", "told"),
    [
        (5, r"blobs is 5\. Give the URLs of blobs"),
        ({"url": BLOB}, r"blobs is \{.*Give the URLs of blobs"),
        (["incoming/a.tiff"], r"a blob is named 'incoming/a\.tiff'\. Give its URL, such as https://"),
        ("incoming/a.tiff", r"a blob is named 'incoming/a\.tiff'"),
        ([BLOB, {"url": BLOB}], r"a blob is named \{'url'"),
        ("https://acct.blob.core.windows.net/in?sig=s3cret", r"a blob is named 'https://[^ ]*/in\?sig=[^s]"),
        (
            "abfss://in@acct.dfs.core.windows.net/a.mp4",
            r"a blob is named .*\. Give its URL, such as https://",
        ),
    ],
)
def test_what_names_no_blobs_is_refused_at_parse(blobs: Any, told: str) -> None:
    with pytest.raises(SpecError, match=rf"task 'new_blobs': {told}") as refused:
        AzureBlobClaimOperator(task_id="new_blobs", asset=INCOMING, blobs=blobs)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("text", ["[]", f"['{BLOB}']"])
def test_a_list_that_was_rendered_to_text_says_what_the_dag_lacks(text: str) -> None:
    operator = AzureBlobClaimOperator(task_id="new_blobs", asset=INCOMING, blobs="{{ params.blobs }}")
    operator.blobs = text  # as Airflow renders it
    with pytest.raises(BatchSpecError, match=r"blobs is the text .\[.*render_template_as_native_obj=True"):
        operator.execute(context_of())


def test_inlets_and_outlets_may_be_one_asset_as_of_any_operator() -> None:
    one, other = Asset("one"), Asset("other")
    operator = AzureBlobClaimOperator(
        task_id="new_blobs", asset=INCOMING, max_blobs=1, inlets=one, outlets=other
    )
    assert operator.inlets == [one, INCOMING]
    assert operator.outlets == [other, operator.unclaimed]


def test_a_lookback_of_nothing_is_refused_at_parse() -> None:
    with pytest.raises(ValueError, match="lookback"):
        AzureBlobClaimOperator(task_id="x", asset=INCOMING, lookback=timedelta(0))


@pytest.mark.slow
def test_what_a_limit_leaves_starts_the_next_run(claim: AzureBlobClaimOperator) -> None:
    claim = AzureBlobClaimOperator(
        task_id="some", asset=INCOMING, receipts_container=claim.receipts_container, max_blobs=2
    )
    said: list[tuple[int, list[str]]] = []
    for run in ("run-1", "run-2", "run-3"):
        outlets = OutletEventAccessors()
        context = {**context_of(event_of("a", "b", "c"), run=run), "outlet_events": outlets}
        taken = [blob["name"] for blob in claim.execute(context)]
        said.append((len(outlets[claim.unclaimed].asset_alias_events), taken))

    assert claim.unclaimed in claim.outlets
    assert said == [(1, ["a", "b"]), (0, ["c"]), (0, [])]


@pytest.mark.slow
def test_what_a_limit_leaves_is_taken_by_the_runs_of_later_days_and_by_no_other_dag(
    claim: AzureBlobClaimOperator,
) -> None:
    claim = AzureBlobClaimOperator(
        task_id="some", asset=INCOMING, receipts_container=claim.receipts_container, max_blobs=1
    )
    burst = event_of("a", "b", "c", age=timedelta(days=5))
    events, taken = [event_of("old", age=timedelta(days=9)), burst], []
    for waited in (5, 3, 1):  # a run takes two days
        outlets = OutletEventAccessors()
        made = context_of(*events, run=f"run-{waited}", waited=timedelta(days=waited))
        taken += [blob["name"] for blob in claim.execute({**made, "outlet_events": outlets})]
        for left in outlets[claim.unclaimed].asset_alias_events:
            events.append(RecordedEvent(left.extra, NOW - timedelta(days=waited - 2)))

    other = context_of(*events)
    assert taken == ["a", "b", "c"]
    assert claim.execute({**other, "dag": SimpleNamespace(dag_id="other")}) == []


def test_what_a_run_takes_by_default_is_no_more_than_a_task_can_be_mapped_over() -> None:
    claim = AzureBlobClaimOperator(task_id="new_blobs", asset=INCOMING)

    assert claim.max_blobs is not None
    assert claim.max_blobs <= conf.getint("core", "max_map_length")
    assert claim.unclaimed in claim.outlets


def test_a_limit_of_no_blobs_is_refused_at_parse() -> None:
    with pytest.raises(ValueError, match="max_blobs"):
        AzureBlobClaimOperator(task_id="x", asset=INCOMING, max_blobs=0)
