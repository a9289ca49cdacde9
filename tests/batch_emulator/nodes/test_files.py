"""The file API's view of a node never leaves the node."""

from __future__ import annotations

import stat
from datetime import datetime, timezone
from pathlib import Path

import pytest

from batch_emulator.nodes.files import NodeFiles


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "node"
    (root / "startup/wd/sub").mkdir(parents=True)
    (root / "shared").mkdir()
    (root / "startup/stdout.txt").write_text("0123456789")
    (root / "startup/wd/sub/x").write_text("x")
    (tmp_path / "secret").write_text("s")
    return root


async def listed(root: Path, path: str, recursive: bool = False) -> list[str]:
    return [file.name for file in await NodeFiles(root).list(path, recursive)]


async def content(root: Path, path: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in NodeFiles(root).read(path, start, end)])


async def test_list_shows_one_level_or_all(root: Path) -> None:
    assert await listed(root, "") == ["shared", "startup"]
    assert await listed(root, "/startup/") == ["startup/stdout.txt", "startup/wd"]
    assert await listed(root, "startup", recursive=True) == [
        "startup/stdout.txt",
        "startup/wd",
        "startup/wd/sub",
        "startup/wd/sub/x",
    ]


async def test_stat_tells_kind_size_mode_and_time(root: Path) -> None:
    (root / "startup/stdout.txt").chmod(0o640)
    file = await NodeFiles(root).stat("startup/stdout.txt")
    assert (file.name, file.is_directory, file.size) == ("startup/stdout.txt", False, 10)
    assert stat.S_ISREG(file.mode)
    assert stat.S_IMODE(file.mode) == 0o640
    age = datetime.now(timezone.utc) - file.last_modified
    assert abs(age.total_seconds()) < 60
    assert (await NodeFiles(root).stat("startup")).is_directory


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0, None, b"0123456789"), (3, 6, b"345"), (8, 100, b"89"), (10, None, b""), (4, 4, b"")],
)
async def test_read_gives_a_range(root: Path, start: int, end: int | None, expected: bytes) -> None:
    assert await content(root, "startup/stdout.txt", start, end) == expected


@pytest.mark.parametrize(
    "path", ["missing", "startup/stdout.txt/x", "../secret", "startup/../../secret", "out", "loop"]
)
async def test_what_is_not_on_the_node_is_not_found(root: Path, path: str) -> None:
    (root / "out").symlink_to(root.parent / "secret")
    (root / "loop").symlink_to("loop")
    with pytest.raises(FileNotFoundError):
        await NodeFiles(root).stat(path)
    with pytest.raises(FileNotFoundError):
        await content(root, path)
    with pytest.raises(FileNotFoundError):
        await NodeFiles(root).list(path, False)


async def test_links_out_are_not_listed_and_links_inside_are(root: Path) -> None:
    (root / "shared/out").symlink_to(root.parent)
    (root / "shared/broken").symlink_to("nowhere")
    (root / "shared/in").symlink_to("../startup/stdout.txt")
    assert await listed(root, "shared", recursive=True) == ["shared/in"]
    assert await content(root, "shared/in", 0, 2) == b"01"


async def test_delete_needs_recursive_for_a_directory_with_contents(root: Path) -> None:
    files = NodeFiles(root)
    with pytest.raises(OSError, match="not empty"):
        await files.delete("startup", recursive=False)
    await files.delete("startup", recursive=True)
    await files.delete("shared", recursive=False)
    assert await listed(root, "") == []
    with pytest.raises(FileNotFoundError):
        await files.delete("startup", recursive=True)


async def test_delete_of_a_link_leaves_what_it_leads_to(root: Path) -> None:
    (root / "shared/out").symlink_to(root.parent)
    (root / "shared/dir").symlink_to("../startup")
    await NodeFiles(root).delete("shared/dir", recursive=True)
    await NodeFiles(root).delete("shared/out", recursive=True)
    with pytest.raises(FileNotFoundError):
        await NodeFiles(root).delete("shared/../../secret", recursive=True)
    assert (root / "startup/stdout.txt").exists()
    assert (root.parent / "secret").exists()


async def test_the_root_stays(root: Path) -> None:
    for path in ("", "/", "./"):
        with pytest.raises(OSError, match="root"):
            await NodeFiles(root).delete(path, recursive=True)
