"""Zip files of packages: made the same from the same files, told apart by their content."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from airflow_batch_provider.client.files.package_content import as_zip, content_hash


def a_folder(root: Path, text: str = "hello", mode: int = 0o755) -> Path:
    (root / "sub").mkdir(parents=True)
    (root / "run.sh").write_text(text)
    (root / "run.sh").chmod(mode)
    (root / "sub" / "data").write_bytes(b"x" * 3_000_000)
    return root


def test_a_folder_becomes_a_zip_with_rights_and_without_times(tmp_path: Path) -> None:
    first = as_zip(a_folder(tmp_path / "a"), tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    folder = a_folder(tmp_path / "b")
    os.utime(folder / "run.sh", (1, 1))
    second = as_zip(folder, other)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as opened:
        assert sorted(opened.namelist()) == ["run.sh", "sub/data"]
        assert (opened.getinfo("run.sh").external_attr >> 16) & 0o777 == 0o755
        assert len(opened.read("sub/data")) == 3_000_000


def test_what_python_compiled_beside_its_modules_is_no_content(tmp_path: Path) -> None:
    before = content_hash(as_zip(a_folder(tmp_path / "a"), tmp_path))
    for folder in (tmp_path / "a", tmp_path / "a" / "sub"):
        (folder / "__pycache__").mkdir()
        (folder / "__pycache__" / "run.cpython-312.pyc").write_bytes(os.urandom(8))
    assert content_hash(as_zip(tmp_path / "a", tmp_path)) == before

    only = tmp_path / "only"
    (only / "__pycache__").mkdir(parents=True)
    (only / "__pycache__" / "run.cpython-312.pyc").write_bytes(b"x")
    with pytest.raises(ValueError, match="no files"):
        as_zip(only, tmp_path)


def test_the_hash_follows_names_rights_and_contents_only(tmp_path: Path) -> None:
    archive = as_zip(a_folder(tmp_path / "a"), tmp_path)
    stored = tmp_path / "stored.zip"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as target:
        for entry in reversed(source.infolist()):
            copy = zipfile.ZipInfo(entry.filename, (2020, 1, 1, 1, 1, 1))
            copy.external_attr = entry.external_attr
            target.writestr(copy, source.read(entry))
    assert content_hash(stored) == content_hash(archive)
    for name, fields in {"text": {"text": "other"}, "mode": {"mode": 0o644}}.items():
        (tmp_path / name).mkdir()
        changed = as_zip(a_folder(tmp_path / f"{name}-folder", **fields), tmp_path / name)  # type: ignore[arg-type]
        assert content_hash(changed) != content_hash(archive)


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "x.txt"
    text.write_text("x")
    with pytest.raises(ValueError, match="no zip file"):
        as_zip(text, tmp_path)
    with pytest.raises(ValueError, match="no file or folder"):
        as_zip(tmp_path / "missing", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no files"):
        as_zip(tmp_path / "empty", tmp_path)


def test_a_zip_is_taken_as_it_is(tmp_path: Path) -> None:
    archive = as_zip(a_folder(tmp_path / "a"), tmp_path)
    assert as_zip(archive, tmp_path / "elsewhere") == archive
