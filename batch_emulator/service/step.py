"""What one step of the service leaves behind: changes to be made durable, effects to be carried out."""

from __future__ import annotations

from dataclasses import dataclass, field

from batch_emulator.service.effects import Effect
from batch_emulator.service.entities import Json


@dataclass(frozen=True)
class Change:
    """A record to be stored (or deleted, when ``record`` is ``None``).

    :param kind: entity kind, as in ``entities.ENTITY_TYPES``.
    :param key: unique within its kind, lower case.
    """

    kind: str
    key: str
    record: Json | None = field(repr=False)


@dataclass(frozen=True)
class Step:
    """Changes first, then effects: an effect may only be carried out once the changes are durable."""

    changes: list[Change] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
