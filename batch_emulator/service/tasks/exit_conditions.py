"""What the end of a task means for its dependents and its job.

Source: *Job and task error checking*, *BatchTask exitConditions*.
"""

from __future__ import annotations

from typing import NamedTuple

from batch_emulator.service.entities import Json


class Verdict(NamedTuple):
    """:param satisfies: dependents may run. :param job_action: ``none``, ``disable`` or ``terminate``."""

    satisfies: bool
    job_action: str


def judge(conditions: Json | None, exit_code: int | None, phase: str, *, succeeded: bool) -> Verdict:
    """Apply a task's exit conditions to its final end.

    :param conditions: ``exitConditions`` of the task, if any.
    :param exit_code: of the process; ``None`` if it never started.
    :param phase: where it ended: ``preprocessing``, ``process`` or ``upload``.
    """
    place = _select(conditions or {}, exit_code, phase, succeeded)
    # Exit code 0 is a good one also where it is listed and the upload of its files failed.
    good = succeeded or (place.by_code and exit_code == 0)
    dependency = place.options.get("dependencyAction", "satisfy" if good else "block")
    return Verdict(dependency == "satisfy", place.options.get("jobAction", "none" if good else "terminate"))


class _Place(NamedTuple):
    options: Json
    by_code: bool = False


def _select(conditions: Json, exit_code: int | None, phase: str, succeeded: bool) -> _Place:
    listed = None if exit_code is None else _listed(conditions, exit_code)
    if listed is not None:
        return _Place(listed, by_code=True)
    if succeeded:
        return _Place({})
    special = {"preprocessing": "preProcessingError", "upload": "fileUploadError"}.get(phase)
    if special and conditions.get(special) is not None:
        return _Place(conditions[special])
    return _Place(conditions.get("default") or {})


def _listed(conditions: Json, exit_code: int) -> Json | None:
    for mapping in conditions.get("exitCodes") or ():
        if mapping["code"] == exit_code:
            return mapping.get("exitOptions") or {}
    for mapping in conditions.get("exitCodeRanges") or ():
        if mapping["start"] <= exit_code <= mapping["end"]:
            return mapping.get("exitOptions") or {}
    return None
