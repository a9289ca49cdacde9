import pytest

from batch_emulator.autoscale.timestamps import parse_timestamp
from tests.batch_emulator.autoscale.builders import value_of


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026", "2026-01-01T00:00:00.000Z"),
        ("2026-03", "2026-03-01T00:00:00.000Z"),
        ("2026-03-04", "2026-03-04T00:00:00.000Z"),
        ("2026-03-04T05:06Z", "2026-03-04T05:06:00.000Z"),
        ("2026-03-04T05:06:07Z", "2026-03-04T05:06:07.000Z"),
        ("2026-03-04T05:06:07", "2026-03-04T05:06:07.000Z"),
        ("2026-03-04T05:06:07.5Z", "2026-03-04T05:06:07.500Z"),
        ("2026-03-04T05:06:07.1234567Z", "2026-03-04T05:06:07.123Z"),
        ("2026-03-04T05:06:07+02:00", "2026-03-04T03:06:07.000Z"),
        ("2026-03-04T05:06:07-05:30", "2026-03-04T10:36:07.000Z"),
        ("Mon, 06 Oct 2014 10:20:00 GMT", "2014-10-06T10:20:00.000Z"),
    ],
)
def test_both_documented_forms(text: str, moment: str) -> None:
    assert str(parse_timestamp(text)) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-13-01",
        "2026-02-30",
        "2026-03-04 05:06:07",
        "2026-03-04T25:00:00Z",
        "2026-03-04T05:06:07.12345678Z",
        "2026-03-04T05:06:07+99:00",
        "0001-01-01T00:00:00+01:00",
        "٢٠٢٦-03-04",
        "Tue, 06 Oct 2014 10:20:00 GMT",
        "Mon, 06 Okt 2014 10:20:00 GMT",
        "Mon, 32 Oct 2014 10:20:00 GMT",
        "Mon, 06 Oct 2014 10:20:00",
    ],
)
def test_anything_else_is_no_time(text: str) -> None:
    assert parse_timestamp(text) is None


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("year", "2026"),
        ("month", "3"),
        ("day", "4"),
        ("hour", "5"),
        ("minute", "6"),
        ("second", "7"),
        ("weekday", "3"),
    ],
)
def test_members(member: str, value: str) -> None:
    assert value_of(f'time("2026-03-04T05:06:07Z").{member}') == value


@pytest.mark.parametrize(("day", "weekday"), [(5, 1), (6, 2), (10, 6), (11, 0)])
def test_the_week_begins_on_monday_with_one_and_sunday_is_zero(day: int, weekday: int) -> None:
    assert value_of(f'time("2026-01-{day:02d}").weekday') == str(weekday)
