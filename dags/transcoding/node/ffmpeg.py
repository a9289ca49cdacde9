"""Finding and running ffmpeg, and reading what went wrong from its own words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import ExitCode, StepError

__all__ = ["Ffmpeg", "Finished", "damaged", "failure", "find_ffmpeg"]

_PACKAGE_VARIABLE = re.compile(r"AZ_BATCH_APP_PACKAGE_ffmpeg(_|#|\Z)", re.IGNORECASE)
_TAIL_LINES = 12
_HEAD_LINES = 300

_DAMAGED = re.compile(
    r"Invalid data found|moov atom not found|EBML header|Invalid NAL|error while decoding|partial file|"
    r"ended prematurely|could not find codec parameters|Truncat|corrupt|Header missing|"
    r"does not contain any stream",
    re.IGNORECASE,
)
_DISK = re.compile(r"No space left on device|Input/output error|Disk quota exceeded|Read-only file system")


@dataclass(frozen=True)
class Finished:
    """A run of ffmpeg that has ended.

    Args:
        returncode: zero if ffmpeg was content; negative if a signal ended it.
        head: the first lines of its log.
        tail: the last lines of its log, without mere information.
        errors: how many lines were errors, if the log names levels.
    """

    returncode: int
    head: Sequence[str]
    tail: Sequence[str]
    errors: int = 0


class Ffmpeg:
    """One ffmpeg executable.

    Args:
        path: the executable.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def run(
        self,
        arguments: Sequence[str],
        on_output: Callable[[str], None] | None = None,
        log_level: str = "warning",
    ) -> Finished:
        """Runs ffmpeg to its end.

        Args:
            arguments: without the general options, which are added.
            on_output: gets each line of standard output as it comes.
            log_level: ffmpeg's `-loglevel`.
        """
        command = [
            self.path,
            "-hide_banner",
            "-nostdin",
            "-nostats",
            "-loglevel",
            log_level,
            "-y",
            *arguments,
        ]
        log = _Log()
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as process:
            # Both pipes are drained at once: a full one would stop ffmpeg for ever.
            reader = threading.Thread(target=log.read, args=(process.stderr,), daemon=True)
            reader.start()
            for line in process.stdout or ():
                if on_output is not None:
                    on_output(line)
            reader.join()
            returncode = process.wait()
        return Finished(returncode, log.head, tuple(log.tail), log.errors)

    def version(self) -> str:
        """The first line of `ffmpeg -version` up to its copyright."""
        done = subprocess.run([self.path, "-version"], stdout=subprocess.PIPE, encoding="utf-8", check=True)
        return done.stdout.split(" Copyright", 1)[0].replace("ffmpeg version ", "").strip()


class _Log:
    """ffmpeg's log as it comes: its head, its last complaints, its count of errors."""

    def __init__(self) -> None:
        self.head: list[str] = []
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self.errors = 0

    def read(self, lines: Iterable[str]) -> None:
        for line in lines:
            text = line.rstrip()
            if text and len(self.head) < _HEAD_LINES:
                self.head.append(text)
            # The tags are there when the log level is asked for as `level+...`.
            if text and "[info]" not in text:
                self.tail.append(text)
                self.errors += "[error]" in text or "[fatal]" in text


def find_ffmpeg(environ: Mapping[str, str], package: Path) -> str:
    """The executable: in our own package, else in a package that Batch names, else on the PATH.

    Azure Batch: *Deploy applications to compute nodes with Batch application packages* names the variables.

    Args:
        environ: the task's environment.
        package: the folder from which this code runs.

    Raises:
        StepError: there is none, or it cannot be made executable (exit code 69).
    """
    folders = [str(package)]
    folders += [environ[name] for name in sorted(environ) if _PACKAGE_VARIABLE.match(name)]
    for folder in folders:
        for name in ("ffmpeg", "ffmpeg.exe"):
            found = Path(folder) / name
            if found.is_file():
                return _executable(found)
    on_path = shutil.which("ffmpeg", path=environ.get("PATH"))
    if on_path is not None:
        return on_path
    raise StepError(
        ExitCode.UNAVAILABLE,
        f"No ffmpeg was found in {', '.join(folders)} nor on the PATH.",
        "The pool or the task does not refer to the application package `ffmpeg`, or its nodes are older.",
        "Add the package to the pool's application package references and reboot its nodes.",
    )


def _executable(found: Path) -> str:
    if not os.access(found, os.X_OK):
        try:
            # An unzip that drops mode bits must not cost a node.
            found.chmod(found.stat().st_mode | 0o111)
        except OSError as error:
            raise StepError(
                ExitCode.UNAVAILABLE,
                f"{found} is not executable: {error}.",
                "The application package was made or unpacked without its mode bits.",
                "Build the package again with build_ffmpeg_package and upload it as a new version.",
            ) from error
    return str(found)


def failure(finished: Finished, what: str) -> StepError:
    """Tells from ffmpeg's log why it failed.

    Args:
        finished: the failed run.
        what: what it was doing, e.g. `encode 720p segment 3/8`.
    """
    text = "\n".join(finished.tail)
    if _DISK.search(text):
        return StepError(
            ExitCode.IO,
            f"{what}: ffmpeg cannot write.",
            "The disk is full: too many or too large files for this VM size.",
            "Take a VM size with a larger disk, fewer task slots, or a shorter file retention.",
            finished.tail,
        )
    if finished.returncode < 0:
        return StepError(
            ExitCode.SOFTWARE,
            f"{what}: ffmpeg was ended by signal {-finished.returncode}.",
            "The node ran out of memory, or the task was terminated.",
            "Look at the node's memory; run fewer tasks on a node, or take a larger VM size.",
            finished.tail,
        )
    if _DAMAGED.search(text):
        return damaged(f"{what}: ffmpeg cannot read its input.", finished.tail)
    return StepError(
        ExitCode.SOFTWARE,
        f"{what}: ffmpeg ended with {finished.returncode}.",
        "See ffmpeg's own words below.",
        "If they do not help, run the same ffmpeg on the same file at your desk.",
        finished.tail,
    )


def damaged(what: str, log: Sequence[str] = ()) -> StepError:
    """The error for an input that is damaged, cut off, or no video at all."""
    if any("moov atom not found" in line for line in log):
        cause = "It is no video, or an MP4 without its index: the recording or the upload was cut off."
    else:
        cause = "The file was damaged or cut off on its way, or is no video."
    return StepError(
        ExitCode.DATA,
        what,
        cause,
        "Play the file at its origin, upload it again and compare sizes; running again will not help.",
        log,
    )
