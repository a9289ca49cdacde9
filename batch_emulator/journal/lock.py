"""One emulator per data folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["DataDirError", "DataDirLock", "DataDirLockedError", "hold", "holder_of", "using"]

_FILE_NAME = "emulator.lock"


class DataDirError(RuntimeError):
    """The data folder cannot be made, read or written."""


def unusable(data_dir: Path, error: OSError) -> DataDirError:
    """What to say when the file system refuses the data folder."""
    return DataDirError(
        f"The data folder {data_dir} cannot be used: {error.strerror or error}. "
        "Name a folder that this user may make and write, with --data-dir."
    )


@contextmanager
def using(data_dir: Path) -> Iterator[None]:
    """What fails in the block for reasons of the file system is said of the data folder.

    :raises DataDirError: naming the folder and the reason.
    """
    try:
        yield
    except OSError as error:
        raise unusable(data_dir, error) from None


class DataDirLockedError(RuntimeError):
    """Another emulator works on the data folder."""


def holder_of(data_dir: Path) -> int | None:
    """The process that works on a data folder; ``None`` when there is none.

    :param data_dir: need not exist.
    :raises DataDirError: it may not be read.
    """
    try:
        with (data_dir / _FILE_NAME).open("r", encoding="ascii") as file:
            try:
                # Shared and for an instant, so that it is no more in the way than it must be.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read().strip()
                return int(text) if text.isdigit() else None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unusable(data_dir, error) from None
    return None


class DataDirLock:
    """Holds a data folder for this process until :meth:`release` or the process's end.

    The operating system drops the lock with the process, so that a killed emulator leaves no stale one.
    The file itself stays: removing it would let two processes lock two different files of one name.

    :param data_dir: an existing folder.
    :raises DataDirLockedError: when another process holds it; the text names its id.
    """

    def __init__(self, data_dir: Path) -> None:
        path = data_dir / _FILE_NAME
        self._file = path.open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise DataDirLockedError(
                f"The data folder {data_dir} is in use by another Batch emulator (process {holder}). "
                "Two emulators on one folder would overwrite each other's account. "
                f"Stop process {holder}, or give this one another folder with --data-dir."
            ) from None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Give the folder free. Calling it again does nothing."""
        self._file.close()


def hold(data_dir: Path) -> DataDirLock:
    """Hold a data folder, which is made if absent, for this user alone: tasks hold signatures.

    :raises DataDirError: it cannot be made or written.
    :raises DataDirLockedError: another emulator uses it.
    """
    with using(data_dir):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return DataDirLock(data_dir)
