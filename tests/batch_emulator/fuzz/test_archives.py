"""Hostile application packages: nothing lands outside of the package's folder, and every refusal is told."""

from __future__ import annotations

import os
import random
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from batch_emulator.nodes import packages
from batch_emulator.nodes.packages import UNUSABLE, extract_zip
from tests.batch_emulator.fuzz import hostile

ARCHIVES = int(os.environ.get("BATCH_EMULATOR_FUZZ", "60")) * 10
FIRST_SEED = int(os.environ.get("BATCH_EMULATOR_FIRST_SEED", "0"))
LINK, FILE, FOLDER = stat.S_IFLNK | 0o777, stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755
MODES = [LINK, LINK, FILE, FILE, FOLDER, 0, stat.S_IFIFO | 0o644, stat.S_IFCHR | 0o666, 0o107777]
NAMES = [
    "a",
    "a/b",
    "a/b/c",
    "a/l",
    "l",
    "l/x",
    "l/../x",
    "../out",
    "/out",
    "//out",
    "\\out",
    "..\\out",
    "C:\\out",
    "a/../../out",
    "./a",
    "a//b",
    "a/",
    "a\\",
    "",
    ".",
    "..",
    "con",
    "é",
    "x" * 300,
    "d/" * 200 + "f",
    "a\nb",
    "\u202ea",
]
TARGETS = [
    "a",
    "..",
    "../..",
    "../../..",
    "/etc",
    "l",
    "l/..",
    "l/../..",
    "../l/..",
    "a/b/c",
    ".",
    "",
    "x" * 5000,
]


def an_archive(path: Path, rng: random.Random) -> None:
    """A zip file with members that do not go together; sometimes damaged."""
    with zipfile.ZipFile(path, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for _ in range(rng.randint(1, 8)):
            name = rng.choice(NAMES) if rng.random() < 0.8 else hostile.text(rng)[:1000]
            member = zipfile.ZipInfo(name)
            mode = rng.choice(MODES)
            member.external_attr = mode << 16
            target = rng.choice(TARGETS) if rng.random() < 0.9 else hostile.text(rng)
            archive.writestr(member, target.encode() if stat.S_ISLNK(mode) else b"content")
    if rng.random() < 0.4:
        data = bytearray(path.read_bytes())
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(bytes(data[: rng.randint(1, len(data))] if rng.random() < 0.2 else data))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_archive_writes_or_leads_out_of_its_folder(tmp_path: Path) -> None:
    extracted = 0
    for seed in range(FIRST_SEED, FIRST_SEED + ARCHIVES):
        folder = tmp_path / str(seed)
        folder.mkdir()
        archive, target = folder / "package.zip", folder / "target"
        an_archive(archive, random.Random(f"archive/{seed}"))
        try:
            extract_zip(archive, target)
        except UNUSABLE:
            pass
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error
        else:
            extracted += 1
            for path in target.rglob("*"):
                resolved = Path(os.path.realpath(path))
                assert resolved.is_relative_to(target), f"seed {seed}: {path} leads to {resolved}"
                assert path.is_symlink() or path.is_dir() or path.is_file(), f"seed {seed}: {path}"
        assert {item.name for item in folder.iterdir()} <= {"package.zip", "target"}, f"seed {seed}"
    assert extracted > ARCHIVES // 50


def test_links_that_lead_out_by_way_of_one_another_are_refused(tmp_path: Path) -> None:
    # Read as text, the second link stays inside; the way it goes is another.
    members = [("a/b/first", "../.."), ("a/b/second", "first/../outside")]
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        for name, destination in members:
            member = zipfile.ZipInfo(name)
            member.external_attr = LINK << 16
            archive.writestr(member, destination)
    with pytest.raises(UNUSABLE, match="leads out"):
        extract_zip(tmp_path / "package.zip", tmp_path / "target")


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "BOMB_BYTES", 1 << 20)
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(8 << 20))
    with pytest.raises(UNUSABLE, match="times"):
        extract_zip(bomb, tmp_path / "target")
    # One that lies about its size is not extracted further than it says.
    data = bomb.read_bytes().replace(struct.pack("<I", 8 << 20), struct.pack("<I", 100))
    bomb.write_bytes(data)
    with pytest.raises(UNUSABLE):
        extract_zip(bomb, tmp_path / "other")
    assert sum(file.stat().st_size for file in tmp_path.rglob("zeros")) < 1 << 20
