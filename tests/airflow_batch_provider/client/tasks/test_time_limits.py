"""The text of a single task whose time is over: it names the limit that ended it, and no other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_batch_provider.client.tasks.time_limits import TimeLimits

HOUR = timedelta(hours=1)
OFFICIAL = TimeLimits(start=HOUR, run=timedelta(minutes=25))
BOUNDED = TimeLimits(start=HOUR, run=timedelta(minutes=25), whole=timedelta(minutes=9))
FUNCTION = TimeLimits(start=24 * HOUR, run=24 * HOUR, start_name="max_wall_clock")


@pytest.mark.parametrize(
    ("limits", "ending", "told", "raised"),
    [
        (OFFICIAL, "timeout", "did not end within timeout=25 minutes of its start", "timeout"),
        (OFFICIAL, "unstarted", "did not start within start_timeout=60 minutes", "start_timeout"),
        (BOUNDED, "expired", "did not end within the 9 minutes that execution_timeout", "execution_timeout"),
        (BOUNDED, "unstarted", "did not start within the 9 minutes that exec", "execution_timeout"),
        (BOUNDED, "timeout", "did not end within timeout=25 minutes of its start", "timeout"),
        (FUNCTION, "unstarted", "did not start within max_wall_clock=1440 minutes", "max_wall_clock"),
    ],
)
def test_the_error_names_the_limit_that_ended_it(
    limits: TimeLimits, ending: str, told: str, raised: str
) -> None:
    text = str(limits.error(ending, "j", "t", ""))
    assert f"Batch task t of job j {told}" in text
    assert f"; raise {raised} if" in text


def test_a_task_that_ran_is_not_told_of_nodes_and_one_that_did_not_of_its_speed() -> None:
    assert "too few nodes" not in str(FUNCTION.error("timeout", "j", "t", ""))
    assert "longer than expected" not in str(FUNCTION.error("unstarted", "j", "t", ""))


def test_the_reason_for_which_it_waited_is_told_where_it_is_known() -> None:
    text = str(OFFICIAL.error("unstarted", "j", "t", "the pool has no nodes"))
    assert text.endswith("It did not run in the end: the pool has no nodes")


def test_one_deadline_is_for_the_start_and_the_end() -> None:
    watch = BOUNDED.watch("j", "t", 1000.0)
    assert (watch.deadline, watch.latest) == (1540.0, 1540.0)
    assert watch.end_by(1300.0) == 1540.0
    assert OFFICIAL.watch("j", "t", 1000.0).end_by(1300.0) == 1300.0 + 25 * 60
