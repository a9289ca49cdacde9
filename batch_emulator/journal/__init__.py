"""Durable state: what the emulator acknowledged is here."""

from batch_emulator.journal.journal import Journal, JournalError
from batch_emulator.journal.lock import DataDirError, DataDirLockedError
from batch_emulator.journal.schema import (
    SCHEMA_VERSION,
    JournalAccountError,
    JournalDamagedError,
    JournalVersionError,
)

__all__ = [
    "SCHEMA_VERSION",
    "DataDirError",
    "DataDirLockedError",
    "Journal",
    "JournalAccountError",
    "JournalDamagedError",
    "JournalError",
    "JournalVersionError",
]
