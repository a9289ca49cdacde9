"""The demo's data folder: emptied at each start, unless told otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path

from demo.processes.runfile import clean_up

__all__ = ["FolderError", "prepare_folder"]

_MARK = ".local-stack"


class FolderError(RuntimeError):
    """The folder holds what is not ours."""


def prepare_folder(folder: Path, keep: bool) -> None:
    """Make the folder ready for a start: end what an earlier run left in it, then empty it.

    Parameters:
        folder: made if missing.
        keep: leave the data of the earlier run.

    Raises:
        AlreadyRunningError: a living stack uses it.
        FolderError: it exists and was not made by this function.
    """
    mark = folder / _MARK
    if folder.exists() and any(folder.iterdir()):
        if not mark.exists():
            raise FolderError(
                f"{folder} is not empty and no data folder of the demo, so it is left alone. "
                "Name another with --data-dir."
            )
        clean_up(folder / "run.json")
        if not keep:
            shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()
