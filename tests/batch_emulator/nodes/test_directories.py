"""The documented layout of a node's disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_emulator.nodes.directories import NodeLayout, OutsideError, inside


@pytest.fixture
def layout(tmp_path: Path) -> NodeLayout:
    layout = NodeLayout.of(tmp_path, "MyPool", "tvmps_1_d")
    layout.make(wipe=False)
    return layout


def test_a_node_has_the_documented_folders(layout: NodeLayout, tmp_path: Path) -> None:
    assert layout.root == tmp_path / "mypool" / "tvmps_1_d"
    names = ["applications", "fsmounts", "shared", "startup", "volatile", "workitems"]
    assert sorted(path.name for path in layout.root.iterdir()) == names


def test_a_reboot_keeps_the_disk_and_a_reimage_does_not(layout: NodeLayout) -> None:
    (layout.shared / "data").write_text("x")
    layout.make(wipe=False)
    assert (layout.shared / "data").exists()
    layout.make(wipe=True)
    assert list(layout.shared.iterdir()) == []


def test_a_try_starts_with_empty_streams_and_keeps_the_working_directory(layout: NodeLayout) -> None:
    task = layout.task("workitems/j/job-1/t")
    task.make()
    for path in (task.stdout, task.upload_out, task.working / "kept"):
        path.write_text("old")
    task.make()
    assert task.stdout.read_text() == task.stderr.read_text() == ""
    assert sorted(path.name for path in task.directory.iterdir()) == [
        "certs",
        "stderr.txt",
        "stdout.txt",
        "wd",
    ]
    assert (task.working / "kept").read_text() == "old"


def test_removing_a_task_removes_what_it_leaves_empty_above(layout: NodeLayout) -> None:
    for name in ("a", "b"):
        layout.task(f"workitems/j/job-1/{name}").make()
    layout.remove_task("workitems/j/job-1/a")
    assert [path.name for path in (layout.root / "workitems/j/job-1").iterdir()] == ["b"]
    layout.remove_task("workitems/j/job-1/b")
    assert list((layout.root / "workitems").iterdir()) == []
    layout.remove_task("workitems/j/job-1/b")


def test_removing_the_last_node_removes_the_pool(layout: NodeLayout, tmp_path: Path) -> None:
    other = NodeLayout.of(tmp_path, "mypool", "tvmps_2_d")
    other.make(wipe=True)
    layout.remove()
    assert other.root.is_dir()
    other.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "a/..", "a\0b"])
def test_nothing_leads_out(tmp_path: Path, path: str) -> None:
    with pytest.raises(OutsideError):
        inside(tmp_path, path)
