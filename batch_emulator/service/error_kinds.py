"""The error codes in use, each with its HTTP status and the service's sentence.

Source: Azure Batch REST reference, *Batch status and error codes*.
"""

from __future__ import annotations

from batch_emulator.service.errors import BatchError, ErrorKind


def _not_found(noun: str, name: str) -> ErrorKind:
    return ErrorKind(f"{noun}NotFound", 404, f"The specified {name} does not exist.")


def _exists(noun: str, name: str) -> ErrorKind:
    return ErrorKind(f"{noun}Exists", 409, f"The specified {name} already exists.")


# Any request
INVALID_PROPERTY_VALUE = ErrorKind(
    "InvalidPropertyValue",
    400,
    "The value provided for one of the properties in the request body is invalid.",
)
MISSING_REQUIRED_PROPERTY = ErrorKind(
    "MissingRequiredProperty", 400, "A required property was not specified in the request body."
)
UNSUPPORTED_PROPERTY = ErrorKind(
    "UnsupportedProperty", 400, "One of the properties specified in the request body is not supported."
)
INVALID_REQUEST_BODY = ErrorKind(
    "InvalidRequestBody", 400, "The specified Request Body is not syntactically valid."
)
OUT_OF_RANGE_INPUT = ErrorKind("OutOfRangeInput", 400, "One of the request inputs is out of range.")
EMPTY_METADATA_KEY = ErrorKind(
    "EmptyMetadataKey", 400, "The key for one of the metadata key-value pairs is empty."
)
OPERATION_INVALID_FOR_CURRENT_STATE = ErrorKind(
    "OperationInvalidForCurrentState",
    409,
    "The specified operation is not valid for the current state of the resource.",
)

# Pools
POOL_NOT_FOUND = _not_found("Pool", "pool")
POOL_EXISTS = _exists("Pool", "pool")
POOL_BEING_DELETED = ErrorKind("PoolBeingDeleted", 409, "The specified pool is being deleted.")
POOL_BEING_RESIZED = ErrorKind("PoolBeingResized", 409, "The specified pool is being resized.")
POOL_QUOTA_REACHED = ErrorKind("PoolQuotaReached", 409, "The specified account has reached pool quota.")
OPERATION_NOT_VALID_ON_POOL = ErrorKind(
    "OperationNotValidOnPool", 409, "The specified operation is not valid on the pool."
)
INVALID_APPLICATION_PACKAGE_REFERENCES = ErrorKind(
    "InvalidApplicationPackageReferences",
    409,
    "One or more application package references could not be satisfied. This occurs if the application id"
    " or version does not exist or is not active, or if the reference did not specify a version and there"
    " is no default version configured.",
)
INVALID_AUTO_SCALING_SETTINGS = ErrorKind(
    "InvalidAutoScalingSettings", 400, "The specified autoscaling settings are not valid."
)
AUTO_SCALING_FORMULA_SYNTAX_ERROR = ErrorKind(
    "AutoScalingFormulaSyntaxError", 400, "The specified autoscaling formula has a syntax error."
)
AUTO_SCALE_FORMULA_TOO_LONG = ErrorKind(
    "AutoScaleFormulaTooLong",
    400,
    "The specified autoscaling formula is too long. It may have 8192 characters.",
)
TOO_MANY_ENABLE_AUTO_SCALE_REQUESTS = ErrorKind(
    "TooManyEnableAutoScaleRequests",
    503,
    "Enable autoscale may be called on a pool once every 30 seconds.",
)

# Nodes
NODE_NOT_FOUND = _not_found("Node", "node")
NODE_BEING_CREATED = ErrorKind("NodeBeingCreated", 409, "The specified node is being created.")
NODE_BEING_STARTED = ErrorKind("NodeBeingStarted", 409, "The specified node is being started.")
NODE_BEING_REBOOTED = ErrorKind("NodeBeingRebooted", 409, "The specified node is being rebooted.")
NODE_BEING_REIMAGED = ErrorKind("NodeBeingReimaged", 409, "The specified node is being reimaged.")
NODE_USER_NOT_FOUND = _not_found("NodeUser", "node user")
NODE_USER_EXISTS = _exists("NodeUser", "node user")
NODE_EXTENSION_NOT_FOUND = ErrorKind("ResourceNotFound", 404, "The specified resource does not exist.")
NODE_STATE_UNUSABLE = ErrorKind("NodeStateUnusable", 409, "The specified node is not usable.")
NODE_ALREADY_IN_TARGET_SCHEDULING_STATE = ErrorKind(
    "NodeAlreadyInTargetSchedulingState", 409, "The specified node is already in the target scheduling state."
)
OPERATION_NOT_VALID_ON_NODE = ErrorKind(
    "OperationNotValidOnNode", 409, "The specified operation is not valid on the node."
)

# Jobs
JOB_NOT_FOUND = _not_found("Job", "job")
JOB_EXISTS = _exists("Job", "job")
JOB_BEING_DELETED = ErrorKind("JobBeingDeleted", 409, "The specified job is being deleted.")
JOB_BEING_TERMINATED = ErrorKind("JobBeingTerminated", 409, "The specified job is being terminated.")
JOB_COMPLETED = ErrorKind("JobCompleted", 409, "The specified job is already in a completed state.")
JOB_NOT_ACTIVE = ErrorKind("JobNotActive", 409, "The specified job is not in active state.")
JOB_QUOTA_REACHED = ErrorKind(
    "ActiveJobAndScheduleQuotaReached",
    409,
    "The specified account has reached active job and job schedule quota.",
)
JOB_PREPARATION_NOT_SPECIFIED = ErrorKind(
    "JobPreparationTaskNotSpecified", 409, "The specified job has no job preparation task."
)
JOB_WITH_SAME_ID_EXISTS = ErrorKind(
    "JobWithSameIdExists", 409, "There is a job with the specified id; a job schedule cannot have it too."
)

# Job schedules
JOB_SCHEDULE_NOT_FOUND = _not_found("JobSchedule", "job schedule")
JOB_SCHEDULE_EXISTS = _exists("JobSchedule", "job schedule")
JOB_SCHEDULE_WITH_SAME_ID_EXISTS = ErrorKind(
    "JobScheduleWithSameIdExists",
    409,
    "There is a job schedule with the specified id; a job cannot have it too.",
)
JOB_SCHEDULE_BEING_DELETED = ErrorKind(
    "JobScheduleBeingDeleted", 409, "The specified job schedule is being deleted."
)
JOB_SCHEDULE_BEING_TERMINATED = ErrorKind(
    "JobScheduleBeingTerminated", 409, "The specified job schedule is being terminated."
)
JOB_SCHEDULE_COMPLETED = ErrorKind(
    "JobScheduleCompleted", 409, "The specified job schedule is already in a completed state."
)
JOB_SCHEDULE_DISABLED = ErrorKind("JobScheduleDisabled", 409, "The specified job schedule is disabled.")

# Tasks
TASK_NOT_FOUND = _not_found("Task", "task")
TASK_EXISTS = _exists("Task", "task")
TASK_COMPLETED = ErrorKind("TaskCompleted", 409, "The specified task is already in a completed state.")
TASK_NOT_COMPLETED = ErrorKind("TaskNotCompleted", 409, "The specified task is not in a completed state.")
TASK_SUCCEEDED = ErrorKind("TaskSucceeded", 409, "The specified task completed successfully.")
TASK_DEPENDENCIES_NOT_SPECIFIED_ON_JOB = ErrorKind(
    "TaskDependenciesNotSpecifiedOnJob",
    400,
    "The specified task has dependencies, but the job does not use task dependencies.",
)
TASK_DEPENDENCY_LIST_TOO_LONG = ErrorKind(
    "TaskDependencyListTooLong", 400, "The list of task ids that the task depends on is too long."
)
TASK_ID_SAME_AS_PREPARATION = ErrorKind(
    "TaskIdSameAsJobPreparationTask", 409, "The specified task id is the id of the job preparation task."
)
TASK_ID_SAME_AS_RELEASE = ErrorKind(
    "TaskIdSameAsJobReleaseTask", 409, "The specified task id is the id of the job release task."
)

# Applications
APPLICATION_NOT_FOUND = _not_found("Application", "application")
APPLICATION_PACKAGE_NOT_FOUND = _not_found("ApplicationPackage", "application package")
APPLICATION_NOT_EMPTY = ErrorKind(
    "ApplicationNotEmpty", 409, "The specified application has packages. Delete them first."
)
APPLICATION_UPDATES_NOT_ALLOWED = ErrorKind(
    "ApplicationUpdatesNotAllowed",
    409,
    "Packages of the specified application may not be replaced or deleted, since allowUpdates is false.",
)
STORAGE_ACCOUNT_NOT_FOUND = ErrorKind(
    "StorageAccountNotFound", 400, "The Batch account has no linked storage account."
)


OUT_OF_RANGE_QUERY_PARAMETER_VALUE = ErrorKind(
    "OutOfRangeQueryParameterValue",
    400,
    "A query parameter specified in the request URI is outside the permissible range.",
)


def out_of_range_query(name: str, value: str, reason: str) -> BatchError:
    """A value that a query parameter may not have now."""
    values = {"QueryParameterName": name, "QueryParameterValue": value, "Reason": reason}
    return BatchError(OUT_OF_RANGE_QUERY_PARAMETER_VALUE, values)


def invalid(name: str, value: object, reason: str) -> BatchError:
    """A value that a property may not have.

    :param name: the property's path in wire names.
    """
    return BatchError(
        INVALID_PROPERTY_VALUE, {"PropertyName": name, "PropertyValue": str(value), "Reason": reason}
    )


def missing(name: str) -> BatchError:
    """A property without which the request means nothing."""
    return BatchError(MISSING_REQUIRED_PROPERTY, {"PropertyName": name})


def unsupported(name: str, reason: str) -> BatchError:
    """A property of Azure Batch whose meaning this service cannot give."""
    return BatchError(UNSUPPORTED_PROPERTY, {"PropertyName": name, "Reason": reason})


def conflict(kind: ErrorKind, reason: str) -> BatchError:
    """A request that does not fit the state things are in."""
    return BatchError(kind, {"Reason": reason})
