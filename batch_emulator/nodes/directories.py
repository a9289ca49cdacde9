"""Where things lie on a node.

Source: Azure Batch: *Files and directories in Azure Batch*. Each simulated node has one folder, its root:
what a task sees as ``AZ_BATCH_NODE_ROOT_DIR`` and what the node file API lists.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from batch_emulator.nodes.agent import starting

__all__ = ["NodeLayout", "OutsideError", "TaskLayout", "inside"]

_ROOT_FOLDERS = ("applications", "fsmounts", "shared", "startup", "volatile", "workitems")


class OutsideError(ValueError):
    """A path leads out of the folder that it has to stay in."""


def inside(folder: Path, relative: str) -> Path:
    """The path in a folder.

    :param relative: POSIX path.
    :raises OutsideError: when it is absolute, has a part ``..`` or cannot be a path at all.
    """
    _check_inside(relative)
    return folder / relative


def _check_inside(relative: str) -> None:
    if relative.startswith("/") or "\0" in relative or ".." in relative.split("/"):
        raise OutsideError(f"The path '{relative}' leads out of its directory.")


class TaskLayout:
    """The directory of a task: its output streams beside its working directory.

    A short task costs little more than its paths, so those are made when they are asked for.

    :param directory: absolute.
    """

    def __init__(self, directory: Path | str) -> None:
        self.path = str(directory)

    @cached_property
    def directory(self) -> Path:
        return Path(self.path)

    @property
    def working_path(self) -> str:
        """The working directory as text."""
        return f"{self.path}/{starting.WORKING}"

    @property
    def certificates_path(self) -> str:
        """The directory of certificates as text."""
        return f"{self.path}/{starting.CERTIFICATES}"

    @cached_property
    def working(self) -> Path:
        return self.directory / starting.WORKING

    @cached_property
    def stdout(self) -> Path:
        return self.directory / starting.STDOUT

    @cached_property
    def stderr(self) -> Path:
        return self.directory / starting.STDERR

    @cached_property
    def certificates(self) -> Path:
        return self.directory / starting.CERTIFICATES

    @cached_property
    def upload_out(self) -> Path:
        return self.directory / starting.UPLOAD_LOGS[0]

    @cached_property
    def upload_err(self) -> Path:
        return self.directory / starting.UPLOAD_LOGS[1]

    def make(self) -> None:
        """Make the directories, empty the output streams and drop the upload logs of an earlier try.

        What an earlier try left in the working directory stays, as a retry on the same node finds it.
        """
        starting.make_directories(self.path)
        for stream in starting.open_streams(self.path, append=False):
            os.close(stream)


@dataclass(frozen=True)
class NodeLayout:
    """The folders of one node."""

    root: Path

    @classmethod
    def of(cls, nodes_dir: Path, pool_id: str, node_id: str) -> NodeLayout:
        """The layout of a node; ids are compared without case, so is the folder's name."""
        return cls(inside(nodes_dir, pool_id.lower()) / node_id)

    @cached_property
    def _root_path(self) -> str:
        return str(self.root)

    @cached_property
    def applications(self) -> Path:
        return self.root / "applications"

    @cached_property
    def mounts(self) -> Path:
        return self.root / "fsmounts"

    @cached_property
    def shared(self) -> Path:
        return self.root / "shared"

    @cached_property
    def volatile(self) -> Path:
        return self.root / "volatile"

    @cached_property
    def startup(self) -> TaskLayout:
        return TaskLayout(self.root / "startup")

    def task(self, task_root: str) -> TaskLayout:
        """The directory of a task, by its path relative to the root."""
        _check_inside(task_root)
        return TaskLayout(f"{self._root_path}/{task_root}")

    def make(self, *, wipe: bool) -> None:
        """Make the root's folders.

        :param wipe: remove what is there first, as a fresh or reimaged machine has nothing.
        """
        if wipe:
            shutil.rmtree(self.root, ignore_errors=True)
        for name in _ROOT_FOLDERS:
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def remove(self) -> None:
        """Remove the node's folder, and the pool's once its last node is gone."""
        shutil.rmtree(self.root, ignore_errors=True)
        with suppress(OSError):
            self.root.parent.rmdir()

    def remove_task(self, task_root: str) -> None:
        """Remove a task's directory, and the directories above it that it leaves empty."""
        directory = self.task(task_root).directory
        shutil.rmtree(directory, ignore_errors=True)
        for parent in directory.parents:
            if self.root in (parent, parent.parent):
                break
            try:
                parent.rmdir()
            except OSError:
                break
