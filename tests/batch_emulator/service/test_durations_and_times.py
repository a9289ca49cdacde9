from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_emulator.service.durations import UNLIMITED, format_duration, is_unlimited, parse_duration
from batch_emulator.service.times import format_time, later, parse_time, ticks


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("PT02H00M00S", "PT2H"),
        ("PT06M00S", "PT6M"),
        ("PT15M", "PT15M"),
        ("P1DT06H00M01.5S", "P1DT6H1.5S"),
        ("P7D", "P7D"),
        ("P1W", "P7D"),
        ("PT0S", "PT0S"),
        ("P0D", "PT0S"),
        ("PT90M", "PT1H30M"),
        (UNLIMITED, UNLIMITED),
        ("P99999999999D", UNLIMITED),
        ("P10675199D", UNLIMITED),
    ],
)
def test_durations_are_answered_in_canonical_form(text: str, canonical: str) -> None:
    assert format_duration(parse_duration(text)) == canonical


@pytest.mark.parametrize("text", ["", "P", "PT", "15M", "PT5", "-PT5M", "P1DT", "PT1.5M", "pt5m", "PT5M "])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        parse_duration(text)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=10_000_000)))
def test_every_span_survives_its_text(span: timedelta) -> None:
    assert parse_duration(format_duration(span)) == span


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 120, tzinfo=timezone.utc), "2026-01-02T03:04:05.00012Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 500_000, tzinfo=timezone.utc), "2026-01-02T03:04:05.5Z"),
    ],
)
def test_times_drop_trailing_zeros(moment: datetime, text: str) -> None:
    assert format_time(moment) == text
    assert parse_time(text) == moment


def test_an_unlimited_span_never_comes() -> None:
    span = parse_duration(UNLIMITED)
    assert is_unlimited(span)
    assert later(datetime(2026, 1, 1, tzinfo=timezone.utc), span) is None


def test_etags_look_like_those_of_the_service() -> None:
    # 0x8DBAEB82FDD56D0 was given by the service on 6 September 2023.
    assert f"0x{ticks(datetime(2023, 9, 6, 9, 13, 57, 37_000, tzinfo=timezone.utc)):X}".startswith("0x8DBAE")
