"""Each blob version is taken by one run, whoever looks and however often."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from azure.storage.blob import ContainerClient

from airflow_batch_provider.client.blobs.blob_events import BLOB_CREATED, BLOB_DELETED, BlobEvent
from airflow_batch_provider.client.blobs.receipts import Receipts
from demo.stack.accounts import StorageAccount

pytestmark = pytest.mark.slow


def a_blob(name: str, etag: str = "0x1", day: str = "2026-11-22") -> BlobEvent:
    url = f"http://storage/incoming/{name}"
    return BlobEvent(
        "id", BLOB_CREATED, url, "incoming", name, etag, 3, "", f"{day}T10:00:00Z", "", "PutBlob"
    )


@pytest.fixture
def container(azurite: StorageAccount) -> Iterator[ContainerClient]:
    with ContainerClient.from_connection_string(
        azurite.connection_string, f"receipts-{uuid.uuid4().hex[:12]}"
    ) as client:
        client.create_container()
        yield client


def test_a_second_run_gets_what_the_first_did_not_take(container: ContainerClient) -> None:
    first = Receipts(container, "dag/task", "run-1").claim([a_blob("a")])
    second = Receipts(container, "dag/task", "run-2").claim([a_blob("a"), a_blob("b")])

    assert [event.name for event in first.mine] == ["a"]
    assert [event.name for event in second.mine] == ["b"]
    assert second.others == 1


def test_a_run_that_comes_back_finds_what_it_took(container: ContainerClient) -> None:
    Receipts(container, "dag/task", "run-1").claim([a_blob("a")])

    again = Receipts(container, "dag/task", "run-1").claim([a_blob("a")])

    assert [event.name for event in again.mine] == ["a"]


def test_an_overwritten_blob_is_taken_again(container: ContainerClient) -> None:
    Receipts(container, "dag/task", "run-1").claim([a_blob("a", "0x1")])

    later = Receipts(container, "dag/task", "run-2").claim([a_blob("a", "0x1"), a_blob("a", "0x2")])

    assert [event.etag for event in later.mine] == ["0x2"]


def test_what_was_overwritten_before_anyone_took_it_is_not_taken(container: ContainerClient) -> None:
    announced = [
        replace(a_blob("a", "0x2"), sequencer="2"),
        replace(a_blob("a", "0x1"), sequencer="1"),
        replace(a_blob("a", "0x3"), type=BLOB_DELETED, sequencer="0"),
    ]

    assert [event.etag for event in Receipts(container, "dag/task", "run-1").claim(announced).mine] == ["0x2"]


def test_a_version_that_only_a_listing_tells_of_is_not_hidden_by_one_of_the_same_second(
    container: ContainerClient,
) -> None:
    queued = replace(a_blob("a", "0x1"), time="2026-11-22T10:00:00.5000000Z", sequencer="0A")
    listed = replace(a_blob("a", "0x2"), time="2026-11-22T10:00:00Z")

    runs = [
        Receipts(container, "dag/task", f"run-{number}").claim(announced).mine
        for number, announced in enumerate(([queued], [queued, listed], [queued, listed]))
    ]

    assert runs == [[queued], [listed], []]


@pytest.mark.parametrize(
    ("etag_now", "taken"), [("0x2", ["0x2"]), ("0x1", ["0x1"]), ("0x3", ["0x1", "0x2"]), ("", ["0x1", "0x2"])]
)
def test_of_versions_of_one_second_the_one_that_is_there_is_taken_or_all_where_that_is_not_known(
    container: ContainerClient, etag_now: str, taken: list[str]
) -> None:
    announced = [a_blob("b"), a_blob("a", "0x1"), a_blob("a", "0x2")]
    asked: list[str] = []

    def ask(event: BlobEvent) -> str:
        asked.append(event.name)
        return etag_now

    first = Receipts(container, "dag/task", "run-1", ask).claim(announced)
    second = Receipts(container, "dag/task", "run-2", ask).claim(announced)

    assert [event.etag for event in first.mine] == ["0x1", *taken]
    assert second.mine == []
    assert set(asked) == {"a"}


def test_consumers_do_not_take_from_each_other(container: ContainerClient) -> None:
    Receipts(container, "dag/one", "run").claim([a_blob("a")])

    assert Receipts(container, "dag/two", "run").claim([a_blob("a")]).mine


def test_what_is_announced_twice_is_taken_once(container: ContainerClient) -> None:
    assert len(Receipts(container, "dag/task", "run").claim([a_blob("a"), a_blob("a")]).mine) == 1


def test_a_limit_leaves_the_rest_to_the_next_run(container: ContainerClient) -> None:
    announced = [a_blob(name) for name in "abc"]

    first = Receipts(container, "dag/task", "run-1").claim(announced, limit=2)
    second = Receipts(container, "dag/task", "run-2").claim(announced)

    assert [event.name for event in first.mine] == ["a", "b"]
    assert (first.others, [event.name for event in first.left]) == (0, ["c"])
    assert [event.name for event in second.mine] == ["c"]
    assert (second.others, second.left) == (2, [])


def test_what_a_run_holds_beyond_a_lowered_limit_goes_to_the_next_run(container: ContainerClient) -> None:
    announced = [a_blob(name) for name in "abc"]

    Receipts(container, "dag/task", "run-1").claim(announced)
    again = Receipts(container, "dag/task", "run-1").claim(announced, limit=1)
    second = Receipts(container, "dag/task", "run-2").claim(announced)

    assert [event.name for event in again.mine] == ["a"]
    assert (again.others, [event.name for event in again.left]) == (0, ["b", "c"])
    assert [event.name for event in second.mine] == ["b", "c"]


def told_by(queue: str, listing: str) -> list[BlobEvent]:
    """One version, as a queue and as a listing tell of it."""
    queued = replace(a_blob("a"), time=queue, sequencer="0A")
    return [queued, replace(queued, id="", time=listing, sequencer="", api="")]


AROUND_MIDNIGHT = told_by("2026-11-27T00:00:00.0200000Z", "2026-11-26T23:59:59Z")
#: One is so far from midnight that it has a receipt on one day only.
ON_ONE_DAY = [
    told_by("2026-11-26T23:10:00.5Z", "2026-11-26T22:50:00Z"),
    told_by("2026-11-27T01:10:00.5Z", "2026-11-27T00:50:00Z"),
]
PAIRS = [pair for told in (AROUND_MIDNIGHT, *ON_ONE_DAY) for pair in (told, told[::-1])]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_version_that_two_watchers_tell_of_around_midnight_is_taken_once(
    container: ContainerClient, first: BlobEvent, second: BlobEvent
) -> None:
    assert Receipts(container, "dag/task", "run-1").claim([first]).mine == [first]

    other = Receipts(container, "dag/task", "run-2").claim([second])
    again = Receipts(container, "dag/task", "run-1").claim([second])

    assert (other.mine, other.others) == ([], 1)
    assert [event.version for event in again.mine] == [first.version]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_runs_of_the_same_time_around_midnight_do_not_both_take(
    container: ContainerClient, first: BlobEvent, second: BlobEvent
) -> None:
    """Each has listed the receipts before the other one takes, and they take by turns."""
    takers = [Receipts(container, "dag/task", f"run-{number}") for number in (1, 2)]
    plans = [iter(taker._names(event)) for taker, event in zip(takers, (first, second), strict=True)]
    holds = [True, True]
    for _ in range(2):
        for number, event in enumerate((first, second)):
            if holds[number] and (name := next(plans[number], None)):
                holds[number] = takers[number]._take(name, event)

    assert sorted(holds) == [False, True]
    for told in (first, second):  # and whatever a retry is told, it finds the same
        assert [bool(taker.claim([told]).mine) for taker in takers] == holds


@pytest.mark.parametrize("known", AROUND_MIDNIGHT)
@pytest.mark.parametrize("told", AROUND_MIDNIGHT)
def test_the_one_receipt_of_an_earlier_version_is_honoured(
    container: ContainerClient, known: BlobEvent, told: BlobEvent
) -> None:
    earlier = Receipts(container, "dag/task", "run-1")
    (name,) = (name for name in earlier._names(known) if f"/{known.time[:10]}/" in name)
    earlier._take(name, known)

    other = Receipts(container, "dag/task", "run-2").claim([told])
    again = Receipts(container, "dag/task", "run-1").claim([told])

    assert (other.mine, other.others) == ([], 1)
    assert again.mine == [told]


def test_a_run_that_died_between_both_days_receipts_goes_on(container: ContainerClient) -> None:
    queued, listed = AROUND_MIDNIGHT
    dying = Receipts(container, "dag/task", "run-1")
    dying._take(dying._names(queued)[0], queued)

    assert Receipts(container, "dag/task", "run-2").claim([listed]).mine == []
    assert Receipts(container, "dag/task", "run-1").claim([queued]).mine == [queued]


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon"])
def test_a_date_at_the_end_of_all_dates_keeps_no_blob_from_being_taken(
    container: ContainerClient, time: str
) -> None:
    event = replace(a_blob("1"), time=time)

    assert Receipts(container, "dag/task", "run-1").claim([event]).mine == [event]
    assert Receipts(container, "dag/task", "run-2").claim([event]).mine == []


def test_runs_at_the_same_time_share_without_overlap(container: ContainerClient) -> None:
    announced = [a_blob(f"{number}") for number in range(20)]

    def claim(run: int) -> list[str]:
        return [event.name for event in Receipts(container, "dag/task", f"run-{run}").claim(announced).mine]

    with ThreadPoolExecutor(4) as pool:
        taken = [name for names in pool.map(claim, range(4)) for name in names]

    assert sorted(taken) == sorted(event.name for event in announced)


@pytest.mark.parametrize("limit", [None, 5])
def test_receipts_are_taken_several_at_a_time_in_the_order_of_the_blobs(
    container: ContainerClient, limit: int | None
) -> None:
    receipts = Receipts(container, "dag/task", "run")
    take, together = receipts._take, Barrier(4, timeout=20)
    taking: list[str] = []

    def take_together(name: str, event: BlobEvent) -> bool:
        taking.append(event.name)
        if event.name in "abcd":
            together.wait()
        return take(name, event)

    receipts._take = take_together  # type: ignore[method-assign]
    mine = receipts.claim([a_blob(name) for name in "abcdefgh"], limit).mine

    assert [event.name for event in mine] == list("abcdefgh")[:limit]
    assert sorted(taking) == list("abcdefgh")[:limit]


def test_a_limit_is_filled_up_when_another_run_was_quicker(container: ContainerClient) -> None:
    announced = [a_blob(name) for name in "abcdef"]
    slow = Receipts(container, "dag/task", "run-1")
    owners = slow._owners

    def owners_of_before(names: Iterable[str]) -> dict[str, str]:
        found = owners(names)
        Receipts(container, "dag/task", "run-2").claim(announced, limit=2)
        return found

    slow._owners = owners_of_before  # type: ignore[method-assign]
    claims = slow.claim(announced, limit=3)

    assert [event.name for event in claims.mine] == ["c", "d", "e"]
    assert (claims.others, [event.name for event in claims.left]) == (2, ["f"])


def test_a_run_that_comes_back_when_nothing_is_announced_any_more_finds_what_it_took(
    container: ContainerClient,
) -> None:
    Receipts(container, "dag/task", "run-1").claim([a_blob("a"), a_blob("b")], limit=1)
    Receipts(container, "dag/task", "run-2").claim([a_blob("b")])

    again = Receipts(container, "dag/task", "run-1").claim([], limit=1)

    assert [event.name for event in again.mine] == ["a"]
    assert Receipts(container, "dag/task", "run-3").claim([]).mine == []


def test_a_run_that_died_after_its_first_receipt_goes_on(container: ContainerClient) -> None:
    def events() -> list[BlobEvent]:
        return [a_blob("a"), a_blob("b")]

    dying = Receipts(container, "dag/task", "läuft+1")
    take = dying._take

    def take_one(name: str, event: BlobEvent) -> bool:
        if event.name == "b":
            raise KeyboardInterrupt
        return take(name, event)

    dying._take = take_one  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        dying.claim(events())

    again = Receipts(container, "dag/task", "läuft+1").claim(events())

    assert [event.name for event in again.mine] == ["a", "b"]


def test_a_look_costs_no_request_for_each_receipt_of_others(container: ContainerClient) -> None:
    announced = [a_blob(f"{number}") for number in range(20)]
    Receipts(container, "dag/task", "run-1").claim(announced)
    requests: list[str] = []
    with ContainerClient.from_container_url(
        container.url,
        credential=container.credential,
        raw_request_hook=lambda request: requests.append(request.http_request.method),
    ) as counting:
        assert Receipts(counting, "dag/task", "run-2").claim(announced).others == 20

    assert len(requests) <= 2
