"""Truth table of exit conditions (Azure Batch: *BatchTask exitConditions*)."""

from __future__ import annotations

from typing import Any

import pytest

from batch_emulator.service.tasks.exit_conditions import Verdict, judge

BLOCK, SATISFY = {"dependencyAction": "block"}, {"dependencyAction": "satisfy"}
SUCCESS = Verdict(True, "none")
FAILURE = Verdict(False, "terminate")
LISTED = {
    "exitCodes": [
        {"code": 1, "exitOptions": {"jobAction": "disable", **SATISFY}},
        {"code": 0, "exitOptions": BLOCK},
    ],
    "exitCodeRanges": [{"start": 2, "end": 4, "exitOptions": {"jobAction": "none"}}],
    "preProcessingError": SATISFY,
    "fileUploadError": {"jobAction": "none", **SATISFY},
    "default": {"jobAction": "disable"},
}


@pytest.mark.parametrize(
    ("conditions", "exit_code", "phase", "succeeded", "expected"),
    [
        (None, 0, "process", True, SUCCESS),
        (None, 1, "process", False, FAILURE),
        (None, None, "preprocessing", False, FAILURE),
        (None, 0, "upload", False, FAILURE),
        (LISTED, 0, "process", True, Verdict(False, "none")),
        (LISTED, 1, "process", False, Verdict(True, "disable")),
        (LISTED, 2, "process", False, Verdict(False, "none")),
        (LISTED, 4, "process", False, Verdict(False, "none")),
        (LISTED, 5, "process", False, Verdict(False, "disable")),
        (LISTED, None, "preprocessing", False, Verdict(True, "terminate")),
        (LISTED, 7, "upload", False, Verdict(True, "none")),
        (LISTED, 1, "upload", False, Verdict(True, "disable")),
        ({"default": SATISFY}, 0, "process", True, SUCCESS),
        ({"default": BLOCK}, 0, "process", True, SUCCESS),
        ({"default": SATISFY}, None, "preprocessing", False, Verdict(True, "terminate")),
        ({"default": SATISFY}, 0, "upload", False, Verdict(True, "terminate")),
        ({"default": SATISFY}, None, "process", False, Verdict(True, "terminate")),
        ({"exitCodes": [{"code": 3}]}, 3, "process", False, FAILURE),
    ],
)
def test_the_end_of_a_task(
    conditions: Any, exit_code: int | None, phase: str, succeeded: bool, expected: Verdict
) -> None:
    assert judge(conditions, exit_code, phase, succeeded=succeeded) == expected
