"""Zip files of application packages are extracted as they were packed, and only where they belong."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from batch_emulator.nodes.directories import NodeLayout, OutsideError
from batch_emulator.nodes.packages import extract_zip, package_directory
from batch_emulator.service.effects import PackageInstall


def a_zip(folder: Path, *members: tuple[str, int, bytes]) -> Path:
    archive = folder / "package.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, mode, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            file.writestr(info, content)
    return archive


def test_mode_bits_and_folders_are_kept(tmp_path: Path) -> None:
    archive = a_zip(
        tmp_path,
        ("bin/", stat.S_IFDIR | 0o755, b""),
        ("bin/tool", stat.S_IFREG | 0o755, b"#!/bin/sh\n"),
        ("share/doc.txt", stat.S_IFREG | 0o640, b"doc"),
        ("plain", 0, b"no unix mode"),
        ("win\\dir\\file.txt", 0, b"w"),
    )
    target = tmp_path / "out"
    extract_zip(archive, target)
    assert stat.S_IMODE((target / "bin/tool").stat().st_mode) == 0o755
    assert stat.S_IMODE((target / "share/doc.txt").stat().st_mode) == 0o640
    assert (target / "plain").read_bytes() == b"no unix mode"
    assert (target / "win/dir/file.txt").read_bytes() == b"w"


def test_links_within_the_package_are_kept(tmp_path: Path) -> None:
    link = stat.S_IFLNK | 0o777
    archive = a_zip(
        tmp_path, ("lib/a.so", link, b"a.so.1"), ("lib/a.so.1", 0o100644, b"elf"), ("l", link, b"lib")
    )
    target = tmp_path / "out"
    extract_zip(archive, target)
    assert (target / "l/a.so").read_bytes() == b"elf"


@pytest.mark.parametrize(
    "member",
    [
        ("../evil", 0o100644, b"x"),
        ("/evil", 0o100644, b"x"),
        ("a/../../evil", 0o100644, b"x"),
        ("..\\evil", 0o100644, b"x"),
        ("link", stat.S_IFLNK | 0o777, b"/etc"),
        ("link", stat.S_IFLNK | 0o777, b"../.."),
    ],
)
def test_nothing_gets_out_of_the_package(tmp_path: Path, member: tuple[str, int, bytes]) -> None:
    archive = a_zip(tmp_path, member)
    with pytest.raises(OutsideError):
        extract_zip(archive, tmp_path / "out")
    assert not (tmp_path / "evil").exists()


def test_what_is_no_zip_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"not a zip")
    with pytest.raises(zipfile.BadZipFile):
        extract_zip(tmp_path / "x", tmp_path / "out")


def test_versions_have_directories_of_their_own() -> None:
    layout = NodeLayout(Path("/n"))
    assert package_directory(layout, PackageInstall("App", "1.0", "b", True)) == Path(
        "/n/applications/app/1.0"
    )
    with pytest.raises(OutsideError):
        package_directory(layout, PackageInstall("app", "..", "b", True))
