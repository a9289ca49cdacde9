"""When a schedule makes jobs (Azure Batch: *BatchJobScheduleConfiguration*)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from batch_emulator.service import BatchError
from batch_emulator.service.entities import Json
from batch_emulator.service.schedules.recurrence import (
    Plan,
    first,
    following,
    latest,
    make_configuration,
    read,
    window_end,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def plan(
    until: datetime | None = None,
    after: datetime | None = None,
    window: timedelta | None = None,
    interval: timedelta | None = HOUR,
) -> Plan:
    return Plan(until, after, window, interval)


def test_a_configuration_is_read() -> None:
    body = {
        "doNotRunUntil": "2026-03-02T12:00:00Z",
        "doNotRunAfter": "2026-03-03T12:00:00Z",
        "startWindow": "PT10M",
        "recurrenceInterval": "PT1H",
    }
    assert read(make_configuration(body)) == plan(NOON, NOON + DAY, timedelta(minutes=10))
    assert read(make_configuration({})) == plan(interval=None)
    assert read({"recurrenceInterval": "P10675199DT2H48M5.4775807S"}) == plan(interval=None)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"recurrenceInterval": "PT59S"}, "schedule.recurrenceInterval"),
        ({"startWindow": "PT0S"}, "schedule.startWindow"),
        (
            {"doNotRunUntil": "2026-03-02T12:00:00Z", "doNotRunAfter": "2026-03-02T12:00:00Z"},
            "schedule.doNotRunAfter",
        ),
    ],
)
def test_what_is_refused(body: Json, name: str) -> None:
    with pytest.raises(BatchError) as caught:
        make_configuration(body)
    assert (caught.value.code, caught.value.values["PropertyName"]) == ("InvalidPropertyValue", name)


def test_the_first_occurrence() -> None:
    assert first(plan(), NOON) == NOON
    assert first(plan(until=NOON + HOUR), NOON) == NOON + HOUR
    assert first(plan(until=NOON - HOUR), NOON) == NOON
    assert first(plan(after=NOON), NOON) is None


def test_the_next_occurrence() -> None:
    assert following(plan(), NOON) == NOON + HOUR
    assert following(plan(interval=None), NOON) is None
    assert following(plan(after=NOON + HOUR), NOON) is None
    assert following(plan(until=NOON + DAY), NOON) == NOON + DAY
    assert following(plan(interval=timedelta(days=4_000_000)), NOON) is None


def test_occurrences_that_were_missed_are_not_made_up_for() -> None:
    assert latest(plan(), NOON, NOON + 3 * HOUR + timedelta(minutes=5)) == NOON + 3 * HOUR
    assert latest(plan(), NOON, NOON) == NOON
    assert latest(plan(), NOON, NOON - HOUR) == NOON
    assert latest(plan(interval=None), NOON, NOON + DAY) == NOON


def test_a_window_longer_than_the_interval_is_one_without_end() -> None:
    assert window_end(plan(window=HOUR), NOON) == NOON + HOUR
    assert window_end(plan(window=HOUR + timedelta(seconds=1)), NOON) is None
    assert window_end(plan(), NOON) is None
    assert window_end(plan(window=DAY, interval=None), NOON) == NOON + DAY
