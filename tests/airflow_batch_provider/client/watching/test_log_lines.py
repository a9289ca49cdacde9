from __future__ import annotations

import logging

import pytest

from airflow_batch_provider.client.requests.drive import log_to
from airflow_batch_provider.client.requests.steps import Say
from airflow_batch_provider.client.watching.log_lines import read_line


@pytest.mark.parametrize(
    ("line", "level", "shown"),
    [
        ('{"level": "warning", "message": "disk is slow"}', "warning", "disk is slow"),
        ('{"severity": "ERROR", "msg": "lost", "frame": 7}', "error", "lost frame=7"),
        ('{"levelname": "FATAL", "event": "gone", "timestamp": "t", "logger": "x"}', "critical", "gone"),
        ('{"level": "trace", "message": "tick"}', "debug", "tick"),
        ('{"level": "loud", "message": "hey"}', "info", '{"level": "loud", "message": "hey"}'),
        ('{"level": 30, "message": "hey"}', "info", '{"level": 30, "message": "hey"}'),
        ('{"level": "info"}', "info", '{"level": "info"}'),
        ('{"level": "info", "message": ', "info", '{"level": "info", "message": '),
        ("{not json}", "info", "{not json}"),
        ("[1, 2]", "info", "[1, 2]"),
        ("ERROR: as it stands", "info", "ERROR: as it stands"),
        ("", "info", ""),
    ],
)
def test_a_line_has_the_level_that_its_program_gave_it(line: str, level: str, shown: str) -> None:
    assert read_line(line) == (level, shown)


def test_lines_reach_the_log_with_their_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    say = log_to(logging.getLogger("task"))
    for level in ("debug", "info", "warning", "error", "critical"):
        say(Say(f"50% {level}", level))  # type: ignore[arg-type] # one of them
    assert [(record.levelname.lower(), record.getMessage()) for record in caplog.records] == [
        (level, f"50% {level}") for level in ("debug", "info", "warning", "error", "critical")
    ]
