"""Installing packages when an earlier installation was cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_emulator.nodes.packages import Packages, _link_tree
from batch_emulator.nodes.transfer import Fetcher


async def test_what_a_killed_emulator_left_in_part_is_removed_and_the_rest_stays(tmp_path: Path) -> None:
    cache, nodes = tmp_path / "packages", tmp_path / "nodes"
    halves = [cache / "fetch-ab12", nodes / "pool/node/applications/app/.installing-cd34"]
    whole = [cache / "0123/4567", nodes / "pool/node/applications/app/1.0"]
    for folder in (*halves, *whole):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x")

    Packages(cache, Fetcher(), None).remove_leftovers(nodes)

    assert not any(folder.exists() for folder in halves)
    assert all((folder / "file").exists() for folder in whole)


def test_who_comes_second_finds_the_package_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source", tmp_path / "node/app/1.0"
    source.mkdir()
    (source / "tool").write_bytes(b"x")
    rename = Path.rename

    def overtaken(self: Path, to: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        _link_tree(source, target)  # the thread of a run that was killed meanwhile ends first
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", overtaken)
    _link_tree(source, target)

    assert (target / "tool").read_bytes() == b"x"
    assert [path.name for path in target.parent.iterdir()] == ["1.0"]


def test_a_package_that_cannot_be_copied_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        _link_tree(tmp_path / "gone", tmp_path / "node/app/1.0")
