from __future__ import annotations

import pytest

from batch_emulator.rest.ranges import parse_range
from batch_emulator.service.errors import BatchError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, (0, 10)),
        ("bytes=0-3", (0, 4)),
        ("bytes=4-", (4, 10)),
        ("bytes=9-9", (9, 10)),
        ("bytes=5-99", (5, 10)),
    ],
)
def test_slices(text: str | None, expected: tuple[int, int]) -> None:
    assert parse_range(text, 10) == expected


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("bytes=10-", 416, "InvalidRange"),
        ("bytes=20-30", 416, "InvalidRange"),
        ("bytes=5-4", 416, "InvalidRange"),
        ("bytes=-5", 400, "InvalidHeaderValue"),
        ("0-5", 400, "InvalidHeaderValue"),
        ("bytes=0-1,3-4", 400, "InvalidHeaderValue"),
    ],
)
def test_refusals(text: str, status: int, code: str) -> None:
    with pytest.raises(BatchError) as caught:
        parse_range(text, 10)
    assert (caught.value.status, caught.value.code) == (status, code)


def test_an_empty_file_can_be_read_whole() -> None:
    assert parse_range(None, 0) == (0, 0)
