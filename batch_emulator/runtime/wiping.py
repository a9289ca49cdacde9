"""An account is removed from its folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from batch_emulator.journal.lock import using

__all__ = ["wipe"]

# What belongs to the account; the lock, logs, certificates and keys of the folder stay.
_ACCOUNT_FILES = (
    "journal.sqlite",
    "journal.sqlite-wal",
    "journal.sqlite-shm",
    "nodes",
    "node-logs",
    "packages",
)


def wipe(data_dir: Path) -> bool:
    """Remove an account from its folder, which the caller holds.

    :returns: whether there was one.
    :raises DataDirError: the file system refuses.
    """
    with using(data_dir):
        paths = [data_dir / name for name in _ACCOUNT_FILES]
        found = [path for path in paths if path.exists()]
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    return bool(found)
