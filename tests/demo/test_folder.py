from __future__ import annotations

from pathlib import Path

import pytest

from demo.folder import FolderError, prepare_folder


def test_a_folder_of_an_earlier_run_is_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    prepare_folder(folder, keep=False)
    (folder / "old").touch()
    prepare_folder(folder, keep=False)
    assert not (folder / "old").exists()


def test_data_can_be_kept(tmp_path: Path) -> None:
    prepare_folder(tmp_path, keep=False)
    (tmp_path / "old").touch()
    prepare_folder(tmp_path, keep=True)
    assert (tmp_path / "old").exists()


@pytest.mark.parametrize("keep", [True, False])
def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path, keep: bool) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(FolderError, match="--data-dir"):
        prepare_folder(tmp_path, keep=keep)
    assert (tmp_path / "thesis.txt").exists()
