"""The errors of this provider, in one tree.

::

    AirflowException
    └── AzureBatchError                  anything below
        ├── BatchRequestError            Azure Batch refused a request or gave no answer
        │   └── BatchRequestHopelessError  and a retry cannot change it (also AirflowFailException)
        ├── BatchPoolError               a pool cannot be had, or does not come up
        │   └── BatchPoolHopelessError   likewise
        ├── BatchPackageError            an application package cannot be put into the account
        │   └── BatchPackageHopelessError  likewise
        ├── BatchConditionError          what a sensor waits for cannot come any more (likewise)
        ├── BatchSpecError               a declaration that cannot work, found in the worker (likewise)
        ├── BatchTemplateError           a template names what another task or a variable may have later
        ├── BatchJobConflictError        the job id is taken by something that is not ours to continue
        ├── BatchFunctionError           a function of @task.azure_batch raised, or could not be called
        │   ├── BatchFunctionSkipError   it raised AirflowSkipException (which this is as well)
        │   └── BatchFunctionHopelessError  it raised AirflowFailException, or its arguments or its result
        │                                cannot be written (likewise)
        ├── BatchResultError             a task did well, and its result cannot be had (likewise)
        ├── BatchJobTimeoutError         the operator's timeout was reached; the job was ended
        └── BatchJobFailedError          tasks of the job failed or never ran
            └── BatchJobHopelessError    likewise

A retry policy can tell causes apart by the ``layer`` of any of them, a word of
:class:`~airflow_batch_provider.client.requests.meaning.Layer`, and by the ``codes`` of
:class:`BatchJobFailedError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_batch_provider.airflow_exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
)
from airflow_batch_provider.spec.errors import SpecError


class AzureBatchError(AirflowException):
    """Anything that went wrong between Airflow and Azure Batch.

    Parameters:
        message: what happened, likely cause, next step.
        layer: where the cause lies; see :class:`~airflow_batch_provider.client.requests.meaning.Layer`.
    """

    def __init__(self, message: str = "", *, layer: str = "") -> None:
        super().__init__(message)
        self.layer = layer


class BatchRequestError(AzureBatchError):
    """Azure Batch refused a request, or gave no answer.

    Parameters:
        message: what happened, likely cause, next step.
        code: the service's error code, such as ``PoolNotFound``; empty without an answer.
        status: the HTTP status; 0 without an answer.
        layer: where the cause lies.
    """

    def __init__(self, message: str, *, code: str = "", status: int = 0, layer: str = "") -> None:
        super().__init__(message, layer=layer)
        self.code = code
        self.status = status


class BatchRequestHopelessError(BatchRequestError, AirflowFailException):
    """As above, for a reason that trying again cannot change: Airflow does not retry."""


class BatchPoolError(AzureBatchError):
    """A pool cannot be had, is not as declared, or does not come up."""


class BatchPoolHopelessError(BatchPoolError, AirflowFailException):
    """As above, for a reason that trying again cannot change: Airflow does not retry."""


class BatchPackageError(AzureBatchError):
    """An application package cannot be put into the account."""


class BatchPackageHopelessError(BatchPackageError, AirflowFailException):
    """As above, for a reason that trying again cannot change: Airflow does not retry."""


class BatchConditionError(AzureBatchError, AirflowFailException):
    """What a sensor waits for cannot come any more: Airflow does not retry."""


class BatchSpecError(SpecError, AzureBatchError, AirflowFailException):
    """What was declared cannot work, as it was found only in the worker: Airflow does not retry.

    Parameters:
        what, where, right: see :class:`~airflow_batch_provider.spec.errors.SpecError`.
    """

    layer = "submit"


class BatchTemplateError(SpecError, AzureBatchError):
    """A template names what is not there, and what a later try may find: Airflow retries.

    Parameters:
        what, where, right: see :class:`~airflow_batch_provider.spec.errors.SpecError`.
    """

    layer = "submit"


class BatchJobConflictError(AzureBatchError):
    """The job id is taken by a job that this task must not continue."""


class BatchJobTimeoutError(AzureBatchError):
    """The operator's timeout was reached.

    Parameters:
        message: what is shown.
        layer: where the cause lies.
        job_id: the job, if it was ended.
        work: ``container/prefix`` of what the job's tasks left until then; None: nowhere, or it is not known.
    """

    def __init__(
        self, message: str, *, layer: str = "wall_clock", job_id: str = "", work: str | None = None
    ) -> None:
        super().__init__(message, layer=layer)
        self.job_id = job_id
        self.work = work


class BatchResultError(AzureBatchError, AirflowFailException):
    """A task succeeded, and its result is missing, too large or no JSON: Airflow does not retry.

    A retry would find the same job, which did well, with the same files.
    """

    def __init__(self, message: str, *, layer: str = "command") -> None:
        super().__init__(message, layer=layer)


class BatchFunctionError(AzureBatchError):
    """A Python function raised on its node, or could not be called there.

    Raised when the function's own exception cannot be had here; otherwise it is that exception's cause, and
    shows the traceback of the node.

    Parameters:
        message: what is shown, the node's traceback with it.
        type_name: type of the function's exception, as ``module.Name``.
    """

    def __init__(self, message: str, *, type_name: str = "") -> None:
        super().__init__(message)
        self.type_name = type_name


class BatchFunctionSkipError(BatchFunctionError, AirflowSkipException):
    """The function has raised ``AirflowSkipException``: Airflow skips the task."""


class BatchFunctionHopelessError(BatchFunctionError, AirflowFailException):
    """The function has raised ``AirflowFailException``, or no serializer can write what it was given or has
    returned: Airflow does not retry.
    """


class BatchJobFailedError(AzureBatchError):
    """Tasks of the job failed, or never ran.

    Parameters:
        message: what is shown.
        job_id: the job.
        codes: failure codes of the tasks, most frequent first.
        layer: where the first cause lies.
        exit_codes: of failed tasks that have one, by task id.
        work: ``container/prefix`` of what the job's tasks left, stdout and stderr included; None: nowhere.
    """

    def __init__(
        self,
        message: str,
        *,
        job_id: str = "",
        codes: Sequence[str] = (),
        layer: str = "",
        exit_codes: Mapping[str, int] | None = None,
        work: str | None = None,
    ) -> None:
        super().__init__(message, layer=layer)
        self.job_id = job_id
        self.codes = tuple(codes)
        self.exit_codes = dict(exit_codes or {})
        self.work = work


class BatchJobHopelessError(BatchJobFailedError, AirflowFailException):
    """As above, for a reason that trying again cannot change: Airflow does not retry."""
