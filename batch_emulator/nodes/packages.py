"""Application packages on nodes.

Source: Azure Batch: *Deploy applications to compute nodes with Batch application packages*.
A package is fetched and extracted once per emulator; each node gets its own tree of hard links to it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import lzma
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from weakref import WeakValueDictionary

from batch_emulator.nodes.directories import NodeLayout, OutsideError, inside
from batch_emulator.nodes.storage import LinkedStorage
from batch_emulator.nodes.transfer import Fetcher, HttpStatusError, TransferError, TransferTimeoutError
from batch_emulator.service.effects import PackageInstall
from batch_emulator.service.errors import Failure

__all__ = ["Packages", "extract_zip", "package_directory"]

_log = logging.getLogger(__name__)
_INSTALL_SECONDS = 3600.0
_FETCHING = "fetch-"
_INSTALLING = ".installing-"


def package_directory(layout: NodeLayout, package: PackageInstall) -> Path:
    """Where a version of an application lies on a node.

    :raises OutsideError: when the version's name is a path of its own, such as ``..``.
    """
    return inside(layout.applications, f"{package.application_id.lower()}/{package.version.lower()}")


class Packages:
    """Installs packages from the linked storage account.

    :param cache: folder of extracted packages; on the same file system as the nodes.
    """

    def __init__(self, cache: Path, fetcher: Fetcher, storage: LinkedStorage | None) -> None:
        self._cache = cache
        self._fetcher = fetcher
        self._storage = storage
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    def remove_leftovers(self, nodes_dir: Path) -> None:
        """Remove what an emulator that was killed had fetched or installed in part. To be called before use.

        :param nodes_dir: the folder of all nodes, by pool and node.
        """
        installing = nodes_dir.glob(f"*/*/applications/*/{_INSTALLING}*")
        for half in (*self._cache.glob(f"{_FETCHING}*"), *installing):
            shutil.rmtree(half, ignore_errors=True)

    async def install(self, packages: Iterable[PackageInstall], layout: NodeLayout) -> None:
        """Put packages on a node; those that are there already stay.

        :raises TransferError: ``ApplicationPackageError``.
        """
        for package in packages:
            try:
                await asyncio.wait_for(self._install_one(package, layout), _INSTALL_SECONDS)
            except asyncio.TimeoutError:
                raise _error(package, "The installation took more than an hour.") from None

    async def delete(self, blob_name: str) -> None:
        """Delete a package's blob and what is kept of it. Nodes that have the package keep it."""
        await asyncio.to_thread(shutil.rmtree, self._cached(blob_name), ignore_errors=True)
        if self._storage is not None:
            await self._storage.delete_blob(blob_name)

    async def _install_one(self, package: PackageInstall, layout: NodeLayout) -> None:
        try:
            target = package_directory(layout, package)
        except OutsideError as error:
            raise _error(package, str(error)) from None
        async with self._locks.setdefault(target, asyncio.Lock()):
            if not target.is_dir():
                source = await self._extracted(package)
                try:
                    await asyncio.to_thread(_link_tree, source, target)
                except OSError as error:
                    raise _error(package, f"The package cannot be copied: {error.strerror}.") from None

    async def _extracted(self, package: PackageInstall) -> Path:
        if self._storage is None:
            raise _error(
                package,
                "The account has no linked storage. Start the emulator with --storage-connection-string.",
            )
        from azure.core.exceptions import AzureError

        try:
            version = await self._storage.blob_version(package.blob_name)
        except AzureError as error:
            raise _error(package, f"The linked storage cannot be used: {type(error).__name__}.") from None
        if version is None:
            raise _error(package, "The package's blob does not exist.")
        target = self._cached(package.blob_name) / hashlib.sha256(version.encode()).hexdigest()[:16]
        async with self._locks.setdefault(target, asyncio.Lock()):
            if not target.is_dir():
                await self._fetch_and_extract(package, target)
        return target

    async def _fetch_and_extract(self, package: PackageInstall, target: Path) -> None:
        assert self._storage is not None
        # Earlier contents of the same blob are of no use any more.
        await asyncio.to_thread(shutil.rmtree, target.parent, ignore_errors=True)
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_FETCHING, dir=self._cache) as folder:
            archive, extracted = Path(folder) / "package.zip", Path(folder) / "extracted"
            try:
                await self._fetcher.fetch(await self._storage.blob_url(package.blob_name), archive)
                await asyncio.to_thread(extract_zip, archive, extracted)
            except HttpStatusError as error:
                raise _error(package, f"The package cannot be fetched: {error.reason}.") from None
            except TransferTimeoutError:
                raise _error(package, "The package could not be fetched in time.") from None
            except OSError as error:
                raise _error(package, f"The package cannot be extracted: {error.strerror}.") from None
            except UNUSABLE as error:
                raise _error(package, f"The package is not a usable zip file: {error}") from None
            target.parent.mkdir(parents=True, exist_ok=True)
            extracted.rename(target)  # in one step: a half extracted package is never seen
        _log.info("extracted application package %s %s", package.application_id, package.version)

    def _cached(self, blob_name: str) -> Path:
        return self._cache / hashlib.sha256(blob_name.encode()).hexdigest()[:32]


# What a zip file that is damaged or hostile makes the reader raise.
UNUSABLE = (
    zipfile.BadZipFile,
    ValueError,  # names and links that are no text, paths that lead out
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
)
# A package that is larger than this and so much larger than its file is there to fill the disk.
BOMB_BYTES = 4 << 30
BOMB_RATIO = 100


def extract_zip(archive: Path, target: Path) -> None:
    """Extract a zip file with its Unix mode bits and symbolic links.

    :raises OutsideError: when a member would be written, or a link would lead, outside of the target.
    :raises zipfile.BadZipFile: when it is none, or a bomb; for a damaged one any of :data:`UNUSABLE`.
    """
    target.mkdir()
    links: list[tuple[Path, str]] = []
    with zipfile.ZipFile(archive) as package:
        _refuse_bomb(package, archive.stat().st_size)
        for member in package.infolist():
            if not member.filename:
                raise zipfile.BadZipFile("a member has no name")
            # Archives made on Windows may separate directories in their own way.
            path = inside(target, member.filename.replace("\\", "/"))
            mode = member.external_attr >> 16
            if member.is_dir() or member.filename.endswith("\\"):
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if stat.S_ISLNK(mode):
                links.append((path, package.read(member).decode()))
                continue
            with package.open(member) as source, path.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            if mode & 0o777:
                path.chmod(mode & 0o777)
    # Links last: no member can be written through one.
    for path, destination in links:
        real = os.path.normpath(path.parent / destination)
        if os.path.isabs(destination) or not Path(real).is_relative_to(target):
            raise OutsideError(f"The link '{path.name}' leads out of the package.")
        path.symlink_to(destination)
    # One link may lead through another, to where its text does not tell.
    for path, _ in links:
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(target)):
            raise OutsideError(f"The link '{path.name}' leads out of the package.")


def _refuse_bomb(package: zipfile.ZipFile, archive_size: int) -> None:
    size = sum(member.file_size for member in package.infolist())
    if size > BOMB_BYTES and size > BOMB_RATIO * archive_size:
        raise zipfile.BadZipFile(f"its contents are {size // max(1, archive_size)} times as large as itself")


def _link_tree(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix=_INSTALLING, dir=target.parent))
    try:
        shutil.copytree(source, half / "tree", symlinks=True, copy_function=os.link)
        (half / "tree").rename(target)
    except OSError:
        # A run that was killed meanwhile cannot stop its thread, which may be done first.
        if not target.is_dir():
            raise
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _error(package: PackageInstall, message: str) -> TransferError:
    return TransferError(
        Failure(
            "ApplicationPackageError",
            "One or more application packages specified are invalid",
            details=(
                ("ApplicationPackageReference", f"{package.application_id}:{package.version}"),
                ("Message", message),
            ),
        )
    )
