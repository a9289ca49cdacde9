"""The service's own words for what goes wrong with tasks and nodes. Source: *Batch error codes*."""

from __future__ import annotations

from batch_emulator.service.entities import Json
from batch_emulator.service.errors import Failure

EXIT_CODE = Failure(
    "FailureExitCode",
    "The task exited with an exit code representing a failure",
    "usererror",
    (
        ("Message", "The task process exited with an unexpected exit code"),
        ("AdditionalErrorCode", "FailureExitCode"),
    ),
)
TASK_ENDED = Failure("TaskEnded", "Task Was Ended by User Request", "usererror")
JOB_ENDED = Failure(
    "TaskEnded",
    "Task Was Ended by User Request",
    "usererror",
    (("Message", "The job of the task was ended"),),
)
WALL_CLOCK = Failure(
    "TaskEnded",
    "Task Was Ended Because of a Constraint",
    "servererror",
    (("Message", "The task exceeded its maxWallClockTime"),),
)
TOO_MANY_LOSSES = Failure(
    "MaxInternalRetryCountReached",
    "The maximum number of internal retries of the task has been reached",
    "usererror",
    (("Message", "Every run of the task vanished from its node"),),
)
UNKNOWN = Failure("Unknown", "The task ended without an exit code and without a reason", "servererror")


def package_failure(reference: str) -> Failure:
    """A task's application package that cannot be had."""
    return Failure(
        "ApplicationPackageError",
        "One or more application packages specified for the task are invalid",
        "usererror",
        (
            ("ApplicationPackageReference", reference),
            (
                "Message",
                "The application or version does not exist, is not active, or has no default version",
            ),
        ),
    )


def to_wire(failure: Failure) -> Json:
    """The ``failureInfo`` of an execution info."""
    wire: Json = {"category": failure.category, "code": failure.code, "message": failure.message}
    if failure.details:
        wire["details"] = [{"name": name, "value": value} for name, value in failure.details]
    return wire
