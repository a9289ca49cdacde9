"""Filters of an event subscription. Pure. Source: Azure Event Grid: *Understand event filtering*."""

from __future__ import annotations

from dataclasses import dataclass

from batch_emulator.events.blobs import BLOB_CREATED, BLOB_DELETED

__all__ = ["EventFilter"]


@dataclass(frozen=True)
class EventFilter:
    """Which events a subscription wants.

    Parameters:
        included_event_types: full type names.
        subject_begins_with: start of the subject; no wildcards; empty accepts all.
        subject_ends_with: end of the subject; no wildcards; empty accepts all.
        case_sensitive: whether letters' case counts in subjects; not by default, as on Azure.
    """

    included_event_types: tuple[str, ...] = (BLOB_CREATED, BLOB_DELETED)
    subject_begins_with: str = ""
    subject_ends_with: str = ""
    case_sensitive: bool = False

    def accepts(self, event_type: str, subject: str) -> bool:
        """Whether an event of this type and subject is delivered."""
        if event_type not in self.included_event_types:
            return False
        fold = str if self.case_sensitive else str.casefold
        text = fold(subject)
        return text.startswith(fold(self.subject_begins_with)) and text.endswith(fold(self.subject_ends_with))
