"""One table from error codes of refused requests to words (Azure Batch: *Batch status and error codes*)."""

from __future__ import annotations

from airflow_batch_provider.client.requests.meaning import Layer, Meaning
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.exceptions import BatchRequestError, BatchRequestHopelessError

REQUEST_ERRORS: dict[str, Meaning] = {
    "AuthenticationFailed": Meaning(
        Layer.SUBMIT,
        "Azure Batch does not accept the credentials",
        "The account key is wrong or was regenerated, the account name is misspelled, or this machine's "
        "clock is off by more than 15 minutes.",
        "Compare login and password of the Airflow connection with the account's keys; its Test button "
        "tells more.",
    ),
    "InvalidAuthenticationInfo": Meaning(
        Layer.SUBMIT,
        "Azure Batch does not understand the credentials",
        "The account refuses this kind of authentication, or the token is for another service.",
        "Look at the account's allowed authentication modes and at auth_method of the Airflow connection.",
        final=True,
    ),
    "InsufficientAccountPermissions": Meaning(
        Layer.SUBMIT,
        "the identity may not do this on the Batch account",
        "It has no role there, or the role is younger than some minutes.",
        "Give it the role Azure Batch Data Contributor on the account.",
    ),
    "AccountIsDisabled": Meaning(
        Layer.SUBMIT,
        "the Batch account is disabled",
        "The subscription has ended or the account was switched off.",
        "Ask the subscription's owner.",
        final=True,
    ),
    "PoolNotFound": Meaning(
        Layer.SUBMIT,
        "the pool does not exist",
        "Its id is misspelled, or it was deleted.",
        "Create it first, by AzureBatchPoolOperator in the same DAG.",
    ),
    "PoolBeingDeleted": Meaning(
        Layer.PLATFORM,
        "the pool is being deleted",
        "It was deleted a moment ago.",
        "Try again when it is gone, or use another pool id.",
    ),
    "JobNotFound": Meaning(
        Layer.PLATFORM,
        "the job does not exist any more",
        "It was deleted while Airflow waited for it.",
        "Find out who deletes jobs; Airflow's retry submits a new one.",
    ),
    "JobExists": Meaning(
        Layer.SUBMIT,
        "a job of this id exists",
        "It was submitted by something else.",
        "Delete that job, or clear the Airflow task, which gives it another job id.",
        final=True,
    ),
    "JobWithSameIdExists": Meaning(
        Layer.SUBMIT,
        "a job schedule has the id of the job",
        "Jobs and job schedules of an account share their ids.",
        "Rename the job schedule, or set namespace= of the operator.",
        final=True,
    ),
    "JobBeingDeleted": Meaning(
        Layer.PLATFORM,
        "the job is being deleted",
        "It was deleted a moment ago, and the service is not through with it.",
        "Try again in a minute.",
    ),
    "JobBeingTerminated": Meaning(
        Layer.PLATFORM,
        "the job is being ended",
        "A failed task, a limit, or a user ended it.",
        "Look at its terminate reason.",
    ),
    "JobCompleted": Meaning(
        Layer.PLATFORM,
        "the job has ended",
        "It ended before this was asked.",
        "Look at its terminate reason.",
    ),
    "JobDisabled": Meaning(
        Layer.PLATFORM,
        "the job is disabled",
        "Someone disabled it.",
        "Enable it in the portal or terminate it.",
    ),
    "JobNotActive": Meaning(
        Layer.PLATFORM,
        "the job is not active",
        "It is being disabled, ended or deleted.",
        "Look at its state.",
    ),
    "TaskExists": Meaning(
        Layer.SUBMIT,
        "a task of this id exists",
        "Two submissions share the job.",
        "Choose another id.",
        final=True,
    ),
    "ActiveJobAndScheduleQuotaReached": Meaning(
        Layer.QUOTA,
        "the account's quota of active jobs is reached",
        "Jobs that never end by themselves count as active, 100 to 300 in all.",
        "End old jobs (their onAllTasksComplete is not set); let Airflow retry; ask for more quota. The "
        "connection's Test button tells how many there are.",
    ),
    "PoolQuotaReached": Meaning(
        Layer.QUOTA,
        "the account's quota of pools is reached",
        "Old pools were never deleted.",
        "Delete pools that are not used, or ask for more quota.",
    ),
    "TaskDependenciesNotSpecifiedOnJob": Meaning(
        Layer.SUBMIT,
        "the job does not allow dependencies",
        "It was created elsewhere, without usesTaskDependencies.",
        "Delete it and let Airflow create it.",
        final=True,
    ),
    "TaskDependencyListTooLong": Meaning(
        Layer.SUBMIT,
        "a task waits for more tasks than the service takes",
        "The ids of one task's dependencies may have 64,000 characters together.",
        "Put graph.barrier(...) in between.",
        final=True,
    ),
    "TaskDependencyRangesTooLong": Meaning(
        Layer.SUBMIT,
        "a task waits for more ranges than the service takes",
        "Too many separate ranges were given.",
        "Put graph.barrier(...) in between.",
        final=True,
    ),
    "RequestBodyTooLarge": Meaning(
        Layer.SUBMIT,
        "a task, or what else was sent, alone is larger than a request may be (1 MB)",
        "A very long command or environment setting, or very many inputs or outputs.",
        "Put a long text into a blob and give it as an input, and many files by one input: "
        "split.outputs('parts') or blob('container/prefix/').",
        final=True,
    ),
    "RequestEntityTooLarge": Meaning(
        Layer.SUBMIT,
        "one task has more resource files than the service takes",
        "It has very many inputs.",
        "Give it many files by one input: split.outputs('parts') or blob('container/prefix/').",
        final=True,
    ),
    "InvalidPropertyValue": Meaning(
        Layer.SUBMIT,
        "a value was refused",
        "The service does not take it; its message names the property, and why.",
        "Correct the property that PropertyName names.",
        final=True,
    ),
    "InvalidRequestBody": Meaning(
        Layer.SUBMIT,
        "the request was not understood",
        "A value has the wrong form, or the emulator or service speaks another version.",
        "Compare versions; report it with the service's message.",
        final=True,
    ),
    "UnsupportedProperty": Meaning(
        Layer.SUBMIT,
        "a property is not supported",
        "The account, region or emulator does not have this feature.",
        "Leave the option out that the message names.",
        final=True,
    ),
    "ServerBusy": Meaning(
        Layer.PLATFORM, "Azure Batch is busy", "Too many requests at once.", "Let Airflow retry later."
    ),
    "TooManyRequests": Meaning(
        Layer.PLATFORM, "Azure Batch is busy", "Too many requests at once.", "Let Airflow retry later."
    ),
    "OperationTimedOut": Meaning(
        Layer.PLATFORM, "Azure Batch took too long", "The service is under load.", "Let Airflow retry later."
    ),
    "InternalError": Meaning(
        Layer.PLATFORM,
        "Azure Batch had an internal error",
        "A fault of the service.",
        "Let Airflow retry later.",
    ),
}

_UNKNOWN_REQUEST_CODE = Meaning(
    Layer.PLATFORM,
    "Azure Batch refused the request",
    "The code is not one that is documented.",
    "Read the service's message.",
)


def request_error(code: str) -> Meaning:
    """What the error code of a refused request means."""
    return REQUEST_ERRORS.get(code, _UNKNOWN_REQUEST_CODE)


def request_failure(refusal: Refusal, subject: str) -> BatchRequestError:
    """A refused request in words.

    Parameters:
        refusal: the service's answer.
        subject: what was being done, such as ``Submitting Batch job x``.
    """
    if not refusal.status:
        text = (
            f"{subject}: no answer from Azure Batch ({refusal.text}).\n"
            "Likely cause: the account URL of the connection is wrong, or a firewall is in between.\n"
            "Next step: press Test on the Airflow connection."
        )
    else:
        meaning = request_error(refusal.code)
        text = (
            f"{subject}: {meaning.happened} ({refusal.status} {refusal.code}: {refusal.text}).\n"
            f"Likely cause: {meaning.cause}\nNext step: {meaning.next_step}"
        )
    return refused(refusal.code, refusal.status, text)


def refused(code: str, status: int, text: str) -> BatchRequestError:
    """The error for a refused request: one that Airflow does not retry if the code's meaning is final.

    Parameters:
        code: the service's error code.
        status: the HTTP status; 0 without an answer.
        text: what happened, likely cause, next step.
    """
    meaning = request_error(code) if status else _UNKNOWN_REQUEST_CODE
    kind = BatchRequestHopelessError if meaning.final else BatchRequestError
    return kind(text, code=code, status=status, layer=meaning.layer.value)
