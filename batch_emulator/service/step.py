"""What one step of the service leaves behind: changes to be made durable, effects to be carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from batch_emulator.service.effects import Effect
from batch_emulator.service.entities import Entity, Json, key_of, to_record


@dataclass(frozen=True)
class Change:
    """A record to be stored (or deleted, when ``record`` is ``None``).

    :param kind: entity kind, as in ``entities.ENTITY_TYPES``.
    :param key: unique within its kind, lower case.
    :param record: as :func:`~batch_emulator.service.entities.to_record` makes it.
    """

    kind: str
    key: str
    record: Json | None = field(repr=False)


@dataclass(frozen=True)
class Step:
    """Changes first, then effects: an effect may only be carried out once the changes are durable.

    :param changed: entities, in order, and whether each is to be stored or to be deleted.
    """

    changed: Sequence[tuple[Entity, bool]] = field(default=(), repr=False)
    effects: list[Effect] = field(default_factory=list)

    @cached_property
    def changes(self) -> list[Change]:
        """The records of what changed. Ask before the next command or event: only then are they made."""
        return [
            Change(entity.kind, key_of(entity), to_record(entity) if kept else None)
            for entity, kept in self.changed
        ]
