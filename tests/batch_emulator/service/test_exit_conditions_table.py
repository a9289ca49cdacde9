"""Checklist 12: every way to end x every condition x job action x dependency action, through the service.

Azure Batch: *BatchTask exitConditions*, *Create task dependencies*.
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any, NamedTuple

import pytest

from batch_emulator.service import Failure
from batch_emulator.service.tasks.exit_conditions import judge
from tests.batch_emulator.service.builders import Json, a_job, a_pool, a_task, after
from tests.batch_emulator.service.world import World

NOT_STARTED = Failure("CommandProgramNotFound", "The specified command program is not found")
NOT_UPLOADED = Failure("FileUploadContainerNotFound", "No such container")
BY_CODE = ("exitCodes", "exitCodeRanges")
DEFAULT = "default"


class End(NamedTuple):
    """:param applies: conditions that speak of this end, the strongest first."""

    applies: tuple[str, ...]
    exit_code: int | None
    more: dict[str, Any] = {}  # noqa: RUF012 - never changed


ENDS = {
    "exit 0": End(BY_CODE, 0),
    "exit 3": End((*BY_CODE, DEFAULT), 3),
    "not started": End(
        ("preProcessingError", DEFAULT), None, {"failure": NOT_STARTED, "phase": "preprocessing"}
    ),
    "exit 0, not uploaded": End(
        (*BY_CODE, "fileUploadError", DEFAULT), 0, {"failure": NOT_UPLOADED, "phase": "upload"}
    ),
    "exit 3, not uploaded": End(
        (*BY_CODE, "fileUploadError", DEFAULT), 3, {"failure": NOT_UPLOADED, "phase": "upload"}
    ),
    "terminated": End((*BY_CODE, DEFAULT), 137),
}
PLACES = (*BY_CODE, "preProcessingError", "fileUploadError", DEFAULT)
JOB_ACTIONS = (None, "none", "disable", "terminate")
DEPENDENCY_ACTIONS = (None, "satisfy", "block")


def options(job_action: str | None, dependency_action: str | None) -> Json:
    given = {"jobAction": job_action, "dependencyAction": dependency_action}
    return {name: value for name, value in given.items() if value is not None}


def condition(place: str, code: int | None, chosen: Json) -> Json:
    number = -1 if code is None else code
    if place == "exitCodes":
        return {place: [{"code": number, "exitOptions": chosen}]}
    if place == "exitCodeRanges":
        return {place: [{"start": number, "end": number + 2, "exitOptions": chosen}]}
    return {place: chosen}


def judged(end: End, name: str, conditions: Json) -> tuple[str, bool]:
    """What follows from the end for the job, and whether dependents may run."""
    phase = end.more.get("phase", "process")
    verdict = judge(conditions, end.exit_code, phase, succeeded=name == "exit 0")
    return verdict.job_action, verdict.satisfies


def outcome(end: End, name: str, conditions: Json, on_task_failure: str) -> tuple[str, bool]:
    """State of the job, and whether the dependent is released, after the task's end in a real account."""
    world = World(checked=False)
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job(usesTaskDependencies=True, onTaskFailure=on_task_failure))
    world.do("create_task", "job", a_task("parent", exitConditions=conditions))
    world.do("create_task", "job", a_task("child", dependsOn=after("parent")))
    if name == "terminated":
        world.do("terminate_task", "job", "parent")
    else:
        world.finish("parent", end.exit_code, **end.more)
    released = world.task("child") not in world.service.state.jobs["job"].dependencies
    assert world.task("parent").state == "completed"
    assert (world.task("child").state == "running") == (released and world.job_state() == "active")
    return world.job_state(), released


def expected(end: End, place: str | None, name: str, chosen: Json) -> tuple[str, bool]:
    # Exit code 0 is fine unless told otherwise, also where its files could not be uploaded but it is listed.
    good = end.exit_code == 0 and (name == "exit 0" or place in BY_CODE)
    dependency = chosen.get("dependencyAction", "satisfy" if good else "block")
    return chosen.get("jobAction", "none" if good else "terminate"), dependency == "satisfy"


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("place", PLACES)
def test_one_condition(name: str, place: str) -> None:
    end = ENDS[name]
    counts = place if place in end.applies and (place not in BY_CODE or end.exit_code is not None) else None
    for job_action, dependency_action in product(JOB_ACTIONS, DEPENDENCY_ACTIONS):
        chosen = options(job_action, dependency_action)
        conditions = condition(place, end.exit_code, chosen)
        wanted = expected(end, counts, name, chosen if counts else {})
        assert judged(end, name, conditions) == wanted, (job_action, dependency_action)


@pytest.mark.parametrize("name", ENDS)
def test_the_strongest_condition_wins(name: str) -> None:
    end = ENDS[name]
    one_by_code = [place for place in end.applies if place != "exitCodeRanges"]
    for place, weaker in pairwise(one_by_code):
        conditions = {
            **condition(place, end.exit_code, options("none", "satisfy")),
            **condition(weaker, end.exit_code, options("terminate", "block")),
        }
        assert judged(end, name, conditions) == ("none", True), place


@pytest.mark.parametrize("name", ENDS)
def test_no_condition(name: str) -> None:
    end = ENDS[name]
    action, satisfied = expected(end, None, name, {})
    state = {"none": "active", "terminate": "completed"}[action]
    assert outcome(end, name, {}, "performexitoptionsjobaction") == (state, satisfied)
    # A job that performs no actions stays as it is.
    assert outcome(end, name, {}, "noaction") == ("active", name == "exit 0")


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize(
    ("job_action", "state"), [("none", "active"), ("disable", "disabled"), ("terminate", "completed")]
)
def test_the_job_and_the_dependents_obey(name: str, job_action: str, state: str) -> None:
    end = ENDS[name]
    place = end.applies[0] if end.exit_code is not None else "preProcessingError"
    for dependency_action in ("satisfy", "block"):
        conditions = condition(place, end.exit_code, options(job_action, dependency_action))
        found = outcome(end, name, conditions, "performexitoptionsjobaction")
        assert found == (state, dependency_action == "satisfy")


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("dependency_action", ["satisfy", "block"])
def test_dependency_actions_count_in_a_job_without_job_actions(name: str, dependency_action: str) -> None:
    end = ENDS[name]
    place = "exitCodes" if end.exit_code is not None else DEFAULT
    conditions = condition(place, end.exit_code, options(None, dependency_action))
    assert outcome(end, name, conditions, "noaction") == ("active", dependency_action == "satisfy")
