from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from demo.stack.airflow_client import TaskInstance
from demo.stages import BatchTaskView, Stage, airflow_stages, batch_stages, stage_name

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


def at(second: float | None) -> datetime | None:
    return None if second is None else NOON + timedelta(seconds=second)


def batch(task_id: str, state: str, begun: float | None = None, ended: float | None = None) -> BatchTaskView:
    return BatchTaskView("job", task_id, state, succeeded=True, begun=at(begun), ended=at(ended))


def airflow(
    task_id: str, state: str | None, begun: float | None = None, ended: float | None = None
) -> TaskInstance:
    return TaskInstance(task_id, -1, state, 1, at(begun), at(ended))


def numbers(stage: Stage) -> tuple[str, int, int, int, int]:
    return stage.name, stage.total, stage.done, stage.running, stage.failed


@pytest.mark.parametrize(
    ("task_id", "name"),
    [
        ("probe", "probe"),
        ("encode-720p-003", "encode"),
        ("join.480p", "join"),
        ("split_2", "split_"),
        ("7", "7"),
    ],
)
def test_a_stage_is_what_ids_begin_with(task_id: str, name: str) -> None:
    assert stage_name(task_id) == name


def test_batch_tasks_are_counted_by_stage_in_order_of_start() -> None:
    stages = batch_stages(
        [
            batch("encode-1", "completed", 5, 9),
            batch("encode-2", "running", 6),
            batch("encode-3", "active"),
            batch("encode-4", "preparing"),
            batch("join-a", "active"),
            batch("probe", "completed", 1, 2),
        ]
    )
    assert [numbers(stage) for stage in stages] == [
        ("probe", 1, 1, 0, 0),
        ("encode", 4, 1, 2, 0),
        ("join", 1, 0, 0, 0),
    ]


def test_a_completed_failure_is_failed() -> None:
    (stage,) = batch_stages([BatchTaskView("job", "encode-1", "completed", False, at(0), at(1))])
    assert numbers(stage) == ("encode", 1, 0, 0, 1)


def test_time_runs_from_the_first_start_to_the_last_end() -> None:
    (stage,) = batch_stages([batch("e-1", "completed", 5, 9), batch("e-2", "completed", 7, 12)])
    assert stage.seconds == 7


def test_a_stage_that_is_not_over_has_no_time() -> None:
    (stage,) = batch_stages([batch("e-1", "completed", 5, 9), batch("e-2", "active")])
    assert stage.seconds is None


def test_airflow_states() -> None:
    stages = airflow_stages(
        [
            airflow("later", None),
            airflow("wait", "deferred", 3),
            airflow("first", "success", 1, 2),
            airflow("mapped", "failed", 4, 5),
            airflow("mapped", "up_for_retry", 4),
            airflow("mapped", "skipped", 4, 4),
            airflow("mapped", "upstream_failed"),
        ]
    )
    assert [numbers(stage) for stage in stages] == [
        ("first", 1, 1, 0, 0),
        ("wait", 1, 0, 1, 0),
        ("mapped", 4, 1, 1, 2),
        ("later", 1, 0, 0, 0),
    ]
