from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_batch_provider.patience import left_by, patience_of

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("timeout", "execution_timeout", "patience"),
    [
        (HOUR, None, HOUR),
        (HOUR, 2 * HOUR, HOUR),
        (2 * HOUR, HOUR, timedelta(minutes=59)),
        (HOUR, timedelta(minutes=1), timedelta(seconds=54)),
    ],
)
def test_the_wait_ends_in_time_to_end_the_job(
    timeout: timedelta, execution_timeout: timedelta | None, patience: timedelta
) -> None:
    assert patience_of(timeout, execution_timeout) == patience


def test_without_a_timeout_of_airflow_there_is_as_much_time_as_one_likes() -> None:
    assert left_by(None) is None
    assert left_by(HOUR) == timedelta(minutes=59)
