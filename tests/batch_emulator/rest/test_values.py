from __future__ import annotations

from datetime import datetime, timezone

import pytest

from batch_emulator.rest.values import format_http_date, parse_http_date, parse_time

TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.0000000Z",
        "2026-01-02T05:04:05+02:00",
        "2026-01-02T05:04:05+0200",
        "2026-01-02t03:04:05z",
        "2026-01-02T03:04:05",
        "Fri, 02 Jan 2026 03:04:05 GMT",
        "Friday, 02-Jan-26 03:04:05 GMT",
    ],
)
def test_times(text: str) -> None:
    assert parse_time(text) == TIME


def test_more_digits_than_microseconds_are_cut() -> None:
    assert parse_time("2026-01-02T03:04:05.1234567Z").microsecond == 123456


@pytest.mark.parametrize("text", ["", "now", "2026-13-01", "2026-01-02T25:00:00Z", "12"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)


def test_http_dates() -> None:
    assert format_http_date(TIME) == "Fri, 02 Jan 2026 03:04:05 GMT"
    assert parse_http_date(format_http_date(TIME)) == TIME
