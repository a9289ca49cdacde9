"""The application package `ffmpeg`: a real ffmpeg and the steps of the transcode, in one zip file.

Azure Batch: *Deploy applications to compute nodes with Batch application packages*: a package is a zip file
that every node of a pool unpacks; the environment of its tasks names the folder.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

__all__ = ["APPLICATION_ID", "PackageFile", "build_ffmpeg_package", "command_line", "environment_variable"]

APPLICATION_ID = "ffmpeg"
_HERE = Path(__file__).resolve().parent
_NOTICE = "NOTICE-ffmpeg.txt"
# The oldest time that a zip file can tell: the same contents always make the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_COPY_BYTES = 1 << 20


@dataclass(frozen=True)
class PackageFile:
    """A built application package.

    Args:
        path: the zip file.
        application_id: the application to which it belongs.
        version: version of ffmpeg and a hash of the contents: other contents, other version.
    """

    path: Path
    application_id: str
    version: str

    @property
    def environment_variable(self) -> str:
        """See the function of this name."""
        return environment_variable(self.version)


def environment_variable(version: str) -> str:
    """The variable that names the package's folder on a Linux node: `AZ_BATCH_APP_PACKAGE_ffmpeg_...`."""
    return "AZ_BATCH_APP_PACKAGE_" + re.sub(r"[.\-#]", "_", f"{APPLICATION_ID}_{version}")


def build_ffmpeg_package(target: Path) -> PackageFile:
    """Builds the package from the ffmpeg of `imageio-ffmpeg` and the steps in `node/`.

    Contents are stored, not deflated: packing and unpacking take about a second each, deflating 170 MB would
    take three more and save little time on the way to a node in the same region.

    Args:
        target: the zip file to write, replaced if it is there.

    Returns:
        where it lies, and under which application and version to upload it.

    Raises:
        RuntimeError: `imageio-ffmpeg` has no ffmpeg for this platform.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    executable = Path(get_ffmpeg_exe())
    members = [(path.relative_to(_HERE).as_posix(), path, 0o644) for path in sorted(_HERE.glob("node/*.py"))]
    members += [(name, _HERE / name, 0o644) for name in ("transcode.py", _NOTICE)]
    members.append(("ffmpeg", executable, 0o755))
    target.parent.mkdir(parents=True, exist_ok=True)
    # Written aside first: a reader never meets half a package.
    scratch = target.with_name(target.name + ".partial")
    with zipfile.ZipFile(scratch, "w", zipfile.ZIP_STORED) as archive:
        for name, path, mode in members:
            _add(archive, name, path, mode)
        digest = _digest(archive)
    scratch.replace(target)
    return PackageFile(target, APPLICATION_ID, f"{_ffmpeg_version(executable)}-{digest}")


def command_line(variable: str, *arguments: str) -> str:
    """A Batch command line that runs a step of the package.

    Batch runs a command line without a shell, so nothing would expand the variable: a shell is asked for.
    Azure Batch: *Tasks and jobs*, on the command line of a task.

    Args:
        variable: names the package's folder, see `environment_variable`.
        arguments: the step and its options, e.g. `"encode", "--rendition", "720p", "--segment", "0"`.
    """
    words = " ".join(shlex.quote(argument) for argument in arguments)
    folder = f"${{{variable}:?the node lacks this application package}}"
    script = f'exec python3 "{folder}/transcode.py" {words}'
    return f"/bin/sh -c {shlex.quote(script)}"


def _add(archive: zipfile.ZipFile, name: str, path: Path, mode: int) -> None:
    member = zipfile.ZipInfo(name, _EPOCH)
    member.create_system = 3  # Unix, which makes unzip heed the mode
    member.external_attr = (0o100000 | mode) << 16
    member.file_size = path.stat().st_size
    with path.open("rb") as source, archive.open(member, "w") as sink:
        shutil.copyfileobj(source, sink, _COPY_BYTES)


def _digest(archive: zipfile.ZipFile) -> str:
    """Eight hex digits of the contents, by the checksums that the archive holds already."""
    contents = [(m.filename, m.CRC, m.file_size, m.external_attr) for m in archive.infolist()]
    return hashlib.sha256(repr(contents).encode()).hexdigest()[:8]


def _ffmpeg_version(executable: Path) -> str:
    said = subprocess.run([str(executable), "-version"], check=True, capture_output=True, text=True).stdout
    match = re.match(r"ffmpeg version n?(\d+(?:\.\d+)*)", said)
    return match[1] if match else "0"
