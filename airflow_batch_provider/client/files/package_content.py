"""The zip file of an application package: made from a folder, and told apart by what is in it."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

# A zip written twice from the same files is to be the same: no times of day in it. 1980 is the format's zero.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE = 0o100000
# Python leaves it where a folder's modules are imported: nobody wrote it, and it is never the same twice.
_BYTECODE = "__pycache__"


def as_zip(source: Path, folder: Path) -> Path:
    """The zip file for a source: itself if it is one, else a new one of all files in a folder.

    Parameters:
        source: a zip file, or a folder whose content becomes the package's root, without `__pycache__`.
        folder: where a new zip file is put.

    Raises:
        ValueError: there is no such file, it is no zip file, or it holds nothing.
    """
    if source.is_dir():
        archive = folder / "package.zip"
        _write(source, archive)
    elif not source.exists():
        raise ValueError(f"there is no file or folder {source}")
    elif not zipfile.is_zipfile(source):
        raise ValueError(f"{source} is no zip file; give a zip file, or the folder to make one of")
    else:
        archive = source
    with zipfile.ZipFile(archive) as opened:
        if not any(not entry.is_dir() for entry in opened.infolist()):
            raise ValueError(f"{source} holds no files")
    return archive


def content_hash(archive: Path) -> str:
    """Hash of names, rights and contents (by their CRC) in a zip file; of neither times nor compression."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(archive) as opened:
        for entry in sorted(opened.infolist(), key=lambda item: item.filename):
            if not entry.is_dir():
                rights = (entry.external_attr >> 16) & 0o777
                line = f"{entry.filename}\0{rights:o}\0{entry.file_size}\0{entry.CRC:08x}\n"
                digest.update(line.encode())
    return digest.hexdigest()


def _write(source: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source)
            if not path.is_file() or _BYTECODE in name.parts:
                continue
            entry = zipfile.ZipInfo(name.as_posix(), _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            # Nodes restore the rights from here, so that programs stay executable.
            entry.external_attr = (_REGULAR_FILE | (path.stat().st_mode & 0o777)) << 16
            with path.open("rb") as data, opened.open(entry, "w", force_zip64=True) as target:
                while chunk := data.read(1 << 20):
                    target.write(chunk)
