"""An event subscription, and how it is written on the command line. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from batch_emulator.events.blobs import BLOB_CREATED, BLOB_DELETED
from batch_emulator.events.envelope import EventSchema, subject_of
from batch_emulator.events.filters import EventFilter

__all__ = ["Subscription", "SubscriptionError", "parse_subscription", "told_apart"]

_TYPES = {"created": (BLOB_CREATED,), "deleted": (BLOB_DELETED,), "all": (BLOB_CREATED, BLOB_DELETED)}
_CASES = {"sensitive": True, "insensitive": False}
# Azure Storage: *Naming and referencing containers, blobs, and metadata*; queues have the same rule.
_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")
_KEYS = frozenset({"container", "queue", "schema", "prefix", "suffix", "events", "case"})


class SubscriptionError(ValueError):
    """A subscription is not written as it should be."""


@dataclass(frozen=True)
class Subscription:
    """Events of one container that go into one queue.

    Parameters:
        container: watched container.
        queue: storage queue of the same account; made if missing.
        schema: form of the messages.
        filter: which events are wanted.
        number: among those of the same container and queue.
    """

    container: str
    queue: str
    schema: EventSchema = EventSchema.EVENT_GRID
    filter: EventFilter = field(default_factory=EventFilter)
    number: int = 1

    @property
    def key(self) -> str:
        """Under which name the ledger remembers what this subscription was told."""
        pair = f"{self.container}->{self.queue}"
        return pair if self.number == 1 else f"{pair}#{self.number}"


def told_apart(subscriptions: Iterable[Subscription]) -> list[Subscription]:
    """The same, those of one container and queue numbered: each is told of its own events."""
    times: Counter[tuple[str, str]] = Counter()
    numbered = []
    for each in subscriptions:
        times[each.container, each.queue] += 1
        numbered.append(replace(each, number=times[each.container, each.queue]))
    return numbered


def _choice(name: str, value: str, allowed: dict[str, object]) -> None:
    if value not in allowed:
        raise SubscriptionError(
            f"{name}={value} is not known; {name} is one of {', '.join(sorted(allowed))}."
        )


def _pairs(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in text.split(","):
        key, separator, value = part.partition("=")
        if not separator or key not in _KEYS:
            raise SubscriptionError(
                f"`{part}` in --subscribe {text} is not understood. "
                "Write container=NAME,queue=NAME and, if wanted, schema=, prefix=, suffix=, events=, case=."
            )
        values[key] = value
    return values


def parse_subscription(text: str) -> Subscription:
    """Read `container=incoming,queue=blob-events[,schema=cloudevents][,prefix=p/][,suffix=.mp4]...`.

    Further keys: `events=created|deleted|all` (all), `case=sensitive|insensitive` (insensitive).

    Raises:
        SubscriptionError: a key is unknown or missing, or a value is not one of those allowed.
    """
    values = _pairs(text)
    missing = [key for key in ("container", "queue") if not values.get(key)]
    if missing:
        raise SubscriptionError(f"--subscribe {text} lacks {' and '.join(missing)}.")
    for key in ("container", "queue"):
        if not _NAME.fullmatch(values[key]):
            raise SubscriptionError(
                f"{key}={values[key]} is no name that storage accepts. "
                "Names have 3 to 63 lower-case letters, digits and single dashes between them."
            )
    schema, events = values.get("schema", "eventgrid"), values.get("events", "all")
    case = values.get("case", "insensitive")
    _choice("schema", schema, {item.value: item for item in EventSchema})
    _choice("events", events, dict(_TYPES))
    _choice("case", case, dict(_CASES))
    return Subscription(
        container=values["container"],
        queue=values["queue"],
        schema=EventSchema(schema),
        filter=EventFilter(
            included_event_types=_TYPES[events],
            subject_begins_with=subject_of(values["container"], values.get("prefix", "")),
            subject_ends_with=values.get("suffix", ""),
            case_sensitive=_CASES[case],
        ),
    )
