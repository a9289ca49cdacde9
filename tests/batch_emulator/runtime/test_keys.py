from __future__ import annotations

import stat
from pathlib import Path

import pytest

from batch_emulator.runtime.keys import KeyFile, KeyFileError

GIVEN = ("cHJpbWFyeQ==", "c2Vjb25kYXJ5")
NEW = ("bmV3", "bmV3ZXI=")


def test_without_a_regenerated_key_the_given_ones_hold(tmp_path: Path) -> None:
    assert KeyFile(tmp_path, GIVEN).load() == GIVEN
    assert list(tmp_path.iterdir()) == []


def test_regenerated_keys_hold_over_a_restart(tmp_path: Path) -> None:
    KeyFile(tmp_path, GIVEN).save(*GIVEN)
    KeyFile(tmp_path, GIVEN).save(*NEW)
    assert KeyFile(tmp_path, GIVEN).load() == NEW


def test_a_start_with_other_keys_wins(tmp_path: Path) -> None:
    KeyFile(tmp_path, GIVEN).save(*NEW)
    other = ("b3RoZXI=", "b3RoZXI=")
    assert KeyFile(tmp_path, other).load() == other


def test_the_file_is_its_owners_and_the_keys_in_no_text(tmp_path: Path) -> None:
    file = KeyFile(tmp_path, GIVEN)
    file.save(*NEW)
    (stored,) = tmp_path.iterdir()
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert GIVEN[0] not in repr(file) + stored.read_text()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"given": "x"}', "1"])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    file = KeyFile(tmp_path, GIVEN)
    file.save(*NEW)
    (stored,) = tmp_path.iterdir()
    stored.write_text(content)
    if content == '{"given": "x"}':  # of other keys: theirs to read
        assert file.load() == GIVEN
    else:
        with pytest.raises(KeyFileError, match=r"keys\.json"):
            file.load()
