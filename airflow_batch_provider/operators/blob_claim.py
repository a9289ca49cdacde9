"""Take every announced blob exactly once, whichever run was started by which event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, BaseOperator

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.arguments import is_to_come
from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.lasting import lasting
from airflow_batch_provider.shared_arguments import OF_ALL, CheckedArguments
from airflow_batch_provider.spec.blob_batching import MOST_IN_HAND
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.signatures import strike_signatures
from airflow_batch_provider.typed_output import TypedOutput

if TYPE_CHECKING:
    from airflow.sdk import Context
    from typing_extensions import Unpack

    from airflow_batch_provider.client.blobs.blob_events import BlobEvent
    from airflow_batch_provider.client.files.storage import StorageAccess
    from airflow_batch_provider.task_arguments import TaskArguments


EVENTS_A_PAGE = 1000
PAGES = 50
"""So many asset events are read at most, the newest ones: a bound on the memory of a look."""


def _check_blobs(value: object, name: str, where: str) -> None:
    if value and not is_to_come(value):
        for url in _listed(value, where):
            if not is_to_come(url):
                _named_by_hand(url, where)


class AzureBlobClaimOperator(CheckedArguments, TypedOutput, BaseOperator):
    """Take the blobs that an asset's events announced and that no run of this DAG has taken yet.

    Put it first in a DAG that an asset with a ``BlobCreatedTrigger`` starts. It reads *all* recent events of
    the asset, not just those that started the run: Airflow may start one run for several events, or none for
    an event that came while another was being taken. Each blob version is held by one run, by a receipt in
    storage; a retried or cleared task gets the same blobs again.

    :param asset: whose events announce the blobs.
    :param conn_id: Azure Batch connection whose storage account holds the receipts.
    :param receipts_container: container for the receipts; made when missing.
    :param lookback: how far back events are read, from the time for which the run was made: however long it
        waits, and when it is cleared, it sees the same. Older events are left alone, but for what
        ``max_blobs`` has left; what a run has taken it gets again however old it is.
    :param max_blobs: most blobs for one run. When more are left, the task makes an event of the asset, which
        starts the next run: one run per blob by ``max_blobs=1``, and never more than one run on the way for
        what is left. All DAGs of the asset see that event; it announces nothing. None takes all: a task can
        be mapped over as many as ``[core] max_map_length`` says, 1,024 by default.
    :param blobs: URLs to work on in any case, without a receipt, for runs started by hand; one or a list.
        Templated: a template of a list needs a DAG with ``render_template_as_native_obj``.
    :returns: a list of ``{"kind", "url", "source_url", "container", "name", "etag", "size", "content_type",
        "time"}``, ready for ``.expand()``; ``kind`` is ``created``, ``renamed`` or ``deleted``, and
        ``source_url`` is where a renamed blob was. An empty list skips mapped tasks.
    :raises SpecError: a value that cannot work; at DAG parse.
    :raises BatchRequestError: storage refused; its text explains.
    """

    checks = kinds.extended(
        OF_ALL,
        receipts_container=kinds.container,
        lookback=kinds.some_wait,
        max_blobs=kinds.optional(kinds.at_least(1)),
        blobs=_check_blobs,
    )
    template_fields: Sequence[str] = ("conn_id", "receipts_container", "blobs")
    ui_color = "#d5e8f5"

    def __init__(
        self,
        *,
        asset: Asset,
        conn_id: str = "azure_batch_default",
        receipts_container: str = "airflow-receipts",
        lookback: timedelta = timedelta(days=1),
        max_blobs: int | None = MOST_IN_HAND,
        blobs: Sequence[str] | str = (),
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        if not isinstance(asset, Asset):
            raise SpecError(
                f"asset is {asset!r}",
                where=f"task {kwargs.get('task_id')!r}",
                right="Give the Asset(...) whose watcher has the BlobCreatedTrigger.",
            )
        super().__init__(**kwargs)
        self.add_inlets([asset])
        # An asset among the outlets would have an event of every run; an alias has one only when it is said.
        self.unclaimed = AssetAlias(f"{asset.name}-unclaimed")
        if max_blobs is not None:
            self.add_outlets([self.unclaimed])
        self.asset = asset
        self.conn_id = conn_id
        self.receipts_container = receipts_container
        self.lookback = lookback
        self.max_blobs = max_blobs
        self.blobs = blobs
        self.check_arguments()

    @lasting
    def execute(self, context: Context) -> list[dict[str, Any]]:
        # A DAG's parse does without what only a run needs.
        from airflow_batch_provider.client.blobs.receipts import Receipts

        if self.blobs:
            where = f"task {self.task_id!r}"
            named = [_named_by_hand(url, where) for url in _listed(self.blobs, where)]
            self.log.info("Working on %d blob(s) named by hand.", len(named))
            return [_hand_over(event) for event in named]
        consumer = f"{context['dag'].dag_id}/{self.task_id}"
        announced = self._announced(context, consumer)
        events = [blob for _, blob in announced]
        storage = AzureBatchHook(self.conn_id).storage()
        self._refuse_own_receipts(events, consumer)
        with storage.explained(), storage.container_client(self.receipts_container) as container:
            storage.ensure_container(self.receipts_container)
            receipts = Receipts(container, consumer, context["run_id"], partial(_etag_now, storage))
            claims = receipts.claim(events, self.max_blobs)
        self.log.info(
            "%d blob(s) announced, by lookback %s: %d for this run, %d with other runs, %d for the next run.",
            len(claims.mine) + claims.others + len(claims.left),
            self.lookback,
            len(claims.mine),
            claims.others,
            len(claims.left),
        )
        if claims.left:
            left = {event.version for event in claims.left}
            since = min(moment for moment, blob in announced if blob.version in left)
            context["outlet_events"][self.unclaimed].add(
                self.asset,
                extra={"unclaimed": len(left), "consumer": consumer, "since": int(since.timestamp())},
            )
        for event in claims.mine:
            self.log.info("  %s (%d bytes, written %s)", event.url, event.size, event.time)
        return [_hand_over(event) for event in claims.mine]

    def _refuse_own_receipts(self, events: Iterable[BlobEvent], consumer: str) -> None:
        for event in events:
            if event.container == self.receipts_container and event.name.startswith(f"{consumer}/"):
                raise SpecError(
                    f"receipts of this task are announced to it, such as {event.name!r}",
                    where=f"task {self.task_id!r}",
                    right="Keep them in a container that is not watched (receipts_container), or watch a "
                    "prefix: the receipts of each run would start the next one.",
                )

    def _announced(self, context: Context, consumer: str) -> list[tuple[datetime, BlobEvent]]:
        """The blobs of all recent events of the asset, and when each was announced, oldest first."""
        accessor = context["inlet_events"][self.asset]
        # Not from now: a run may have waited for long, or be cleared after days.
        since = min(datetime.now(timezone.utc), context["dag_run"].run_after) - self.lookback
        recent = self._events(accessor, since)
        if (left := _left_since(recent, consumer)) and left < since:
            recent = self._events(accessor, left)
        return [(event.timestamp, blob) for event in recent for blob in self._blobs_of(event)]

    def _events(self, accessor: Any, since: datetime) -> list[Any]:
        # Airflow before 3.2 reads all events.
        recorded = self._pages(accessor, since) if hasattr(accessor, "after") else accessor
        return sorted(
            (event for event in recorded if event.timestamp >= since), key=lambda event: event.timestamp
        )

    def _blobs_of(self, event: Any) -> list[BlobEvent]:
        """The blobs in an asset event: Airflow puts a trigger's payload below ``payload``.

        Events stay for the whole lookback, so that one made by hand must keep no run from the others.
        """
        from airflow_batch_provider.client.blobs.blob_events import BlobEvent

        payload = event.extra.get("payload") if isinstance(event.extra, dict) else None
        blobs = payload.get("blobs", []) if isinstance(payload, dict) else []
        try:
            if not isinstance(blobs, list):
                raise ValueError(f"blobs is {blobs!r}")
            return [BlobEvent.from_payload(blob) for blob in blobs]
        except ValueError as wrong:
            self.log.error(
                "The event of %s at %s is not as a watcher makes it: %s. Its blobs are left alone. To name "
                "blobs by hand, start a run of the DAG with their URLs in blobs=, not with an event.",
                self.asset.name,
                event.timestamp,
                strike_signatures(str(wrong)),
            )
            return []

    def _pages(self, accessor: Any, since: datetime) -> Iterator[Any]:
        """Page by page from the newest event back; an event on the border of two pages comes twice."""
        page = accessor.after(since.isoformat()).ascending(False).limit(EVENTS_A_PAGE)
        for _ in range(PAGES):
            events = list(page)
            yield from events
            if len(events) < EVENTS_A_PAGE or events[-1].timestamp == events[0].timestamp:
                return
            page = page.before(events[-1].timestamp.isoformat())
        self.log.warning(
            "More than %d events of %s came within %s: the oldest are not looked at, and blobs that only "
            "they announce are not taken. Lower lookback if they were taken before, or name them in blobs.",
            EVENTS_A_PAGE * PAGES - PAGES,
            self.asset.name,
            self.lookback,
        )


def _left_since(events: Iterable[Any], consumer: str) -> datetime | None:
    """Since when those blobs were announced that runs of this DAG have left for the next ones."""
    notes = [event.extra for event in events if isinstance(event.extra, dict)]
    seconds = [note["since"] for note in notes if note.get("consumer") == consumer]
    return datetime.fromtimestamp(min(seconds), timezone.utc) if seconds else None


def _listed(blobs: object, where: str) -> Sequence[object]:
    """What was named by hand, one or several.

    :raises SpecError: it is no list.
    """
    if isinstance(blobs, str) and blobs.lstrip().startswith("["):
        raise SpecError(
            f"blobs is the text {blobs!r}, not a list",
            where=where,
            right="Without DAG(..., render_template_as_native_obj=True) Airflow makes a text of what it "
            "renders: set it.",
        )
    if isinstance(blobs, str):
        return [blobs]
    if not isinstance(blobs, Sequence):
        raise SpecError(
            f"blobs is {blobs!r}", where=where, right="Give the URLs of blobs: blobs=['https://...']."
        )
    return blobs


def _named_by_hand(url: object, where: str) -> BlobEvent:
    """What a run that is started by hand works on.

    :raises SpecError: it is no blob's URL.
    """
    from airflow_batch_provider.client.blobs.blob_events import BLOB_CREATED, BlobEvent, blob_from_url

    if isinstance(url, str) and url.startswith(("https://", "http://")):
        with suppress(ValueError):
            container, name = blob_from_url(url)
            return BlobEvent("", BLOB_CREATED, url.partition("?")[0], container, name, "", -1, "", "", "", "")
    raise SpecError(
        f"a blob is named {url!r}",
        where=where,
        right="Give its URL, such as https://<account>.blob.core.windows.net/<container>/<name>.",
    )


def _etag_now(storage: StorageAccess, event: BlobEvent) -> str:
    """The ETag that a blob has now; empty: not known, such as of a blob in another account."""
    if event.url != storage.blob_url(event.container, event.name):
        return ""
    return storage.etag(event.container, event.name)


def _hand_over(event: BlobEvent) -> dict[str, Any]:
    names = ("kind", "url", "source_url", "container", "name", "etag", "size", "content_type", "time")
    return {name: getattr(event, name) for name in names}
