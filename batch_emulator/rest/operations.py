"""The 72 operations of api-version 2025-06-01: what is asked for where, and how success is answered.

Source: the published client ``azure-batch`` 15.1.0; success statuses are irregular, and a client takes no
other. What an operation *does* is in :mod:`batch_emulator.rest.handlers`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

# Query parameters every operation takes.
COMMON_QUERY = frozenset({"api-version", "timeOut", "ocp-date"})
PAGE = frozenset({"maxresults", "$skiptoken"})
SELECT = frozenset({"$select"})
FILTER = frozenset({"$filter"})
EXPAND = frozenset({"$expand"})
FULL_LIST = PAGE | SELECT | FILTER | EXPAND
FORCE = frozenset({"force"})
RECURSIVE = frozenset({"recursive"})


@dataclass(frozen=True)
class Operation:
    """One row of the protocol.

    :param name: the client's method.
    :param path: with ``{placeholders}``; ``{filePath}`` may span slashes.
    :param status: the only status a client takes for success.
    :param query: names besides :data:`COMMON_QUERY`.
    :param body: the contract's model of the request body.
    :param body_optional: clients may leave the body out.
    :param conditional: conditional headers are honoured.
    """

    name: str
    method: str
    path: str
    status: int = 200
    query: frozenset[str] = field(default=frozenset())
    body: str | None = None
    body_optional: bool = False
    conditional: bool = False

    @property
    def is_read(self) -> bool:
        return self.method in ("GET", "HEAD")


NODE = "/pools/{poolId}/nodes/{nodeId}"
TASK = "/jobs/{jobId}/tasks/{taskId}"
SCHEDULE = "/jobschedules/{jobScheduleId}"

ACCOUNT = (
    Operation("list_applications", "GET", "/applications", query=PAGE),
    Operation("get_application", "GET", "/applications/{applicationId}"),
    Operation(
        "list_pool_usage_metrics", "GET", "/poolusagemetrics", query=PAGE | FILTER | {"startTime", "endtime"}
    ),
    Operation("list_supported_images", "GET", "/supportedimages", query=PAGE | FILTER),
    Operation("list_pool_node_counts", "GET", "/nodecounts", query=PAGE | FILTER),
)

POOLS = (
    Operation("create_pool", "POST", "/pools", 201, body="BatchPoolCreateOptions"),
    Operation("list_pools", "GET", "/pools", query=FULL_LIST),
    Operation("delete_pool", "DELETE", "/pools/{poolId}", 202, conditional=True),
    Operation("pool_exists", "HEAD", "/pools/{poolId}", conditional=True),
    Operation("get_pool", "GET", "/pools/{poolId}", query=SELECT | EXPAND, conditional=True),
    Operation("update_pool", "PATCH", "/pools/{poolId}", body="BatchPoolUpdateOptions", conditional=True),
    Operation("disable_pool_auto_scale", "POST", "/pools/{poolId}/disableautoscale"),
    Operation(
        "enable_pool_auto_scale",
        "POST",
        "/pools/{poolId}/enableautoscale",
        body="BatchPoolEnableAutoScaleOptions",
        conditional=True,
    ),
    Operation(
        "evaluate_pool_auto_scale",
        "POST",
        "/pools/{poolId}/evaluateautoscale",
        body="BatchPoolEvaluateAutoScaleOptions",
    ),
    Operation(
        "resize_pool", "POST", "/pools/{poolId}/resize", 202, body="BatchPoolResizeOptions", conditional=True
    ),
    Operation("stop_pool_resize", "POST", "/pools/{poolId}/stopresize", 202, conditional=True),
    Operation(
        "replace_pool_properties",
        "POST",
        "/pools/{poolId}/updateproperties",
        204,
        body="BatchPoolReplaceOptions",
    ),
    Operation(
        "remove_nodes",
        "POST",
        "/pools/{poolId}/removenodes",
        202,
        body="BatchNodeRemoveOptions",
        conditional=True,
    ),
)

NODES = (
    Operation("create_node_user", "POST", f"{NODE}/users", 201, body="BatchNodeUserCreateOptions"),
    Operation("delete_node_user", "DELETE", f"{NODE}/users/{{userName}}"),
    Operation("replace_node_user", "PUT", f"{NODE}/users/{{userName}}", body="BatchNodeUserReplaceOptions"),
    Operation("get_node", "GET", NODE, query=SELECT),
    Operation(
        "reboot_node", "POST", f"{NODE}/reboot", 202, body="BatchNodeRebootOptions", body_optional=True
    ),
    Operation("start_node", "POST", f"{NODE}/start", 202),
    Operation(
        "reimage_node", "POST", f"{NODE}/reimage", 202, body="BatchNodeReimageOptions", body_optional=True
    ),
    Operation(
        "deallocate_node",
        "POST",
        f"{NODE}/deallocate",
        202,
        body="BatchNodeDeallocateOptions",
        body_optional=True,
    ),
    Operation(
        "disable_node_scheduling",
        "POST",
        f"{NODE}/disablescheduling",
        body="BatchNodeDisableSchedulingOptions",
        body_optional=True,
    ),
    Operation("enable_node_scheduling", "POST", f"{NODE}/enablescheduling"),
    Operation("get_node_remote_login_settings", "GET", f"{NODE}/remoteloginsettings"),
    Operation(
        "upload_node_logs", "POST", f"{NODE}/uploadbatchservicelogs", body="UploadBatchServiceLogsOptions"
    ),
    Operation("list_nodes", "GET", "/pools/{poolId}/nodes", query=PAGE | FILTER | SELECT),
    Operation("get_node_extension", "GET", f"{NODE}/extensions/{{extensionName}}", query=SELECT),
    Operation("list_node_extensions", "GET", f"{NODE}/extensions", query=PAGE | SELECT),
    Operation("delete_node_file", "DELETE", f"{NODE}/files/{{filePath}}", query=RECURSIVE),
    Operation("download_node_file", "GET", f"{NODE}/files/{{filePath}}", conditional=True),
    Operation("get_node_file_properties", "HEAD", f"{NODE}/files/{{filePath}}", conditional=True),
    Operation("list_node_files", "GET", f"{NODE}/files", query=PAGE | FILTER | RECURSIVE),
)

JOBS = (
    Operation("delete_job", "DELETE", "/jobs/{jobId}", 202, query=FORCE, conditional=True),
    Operation("get_job", "GET", "/jobs/{jobId}", query=SELECT | EXPAND, conditional=True),
    Operation("update_job", "PATCH", "/jobs/{jobId}", body="BatchJobUpdateOptions", conditional=True),
    Operation("replace_job", "PUT", "/jobs/{jobId}", body="BatchJob", conditional=True),
    Operation(
        "disable_job", "POST", "/jobs/{jobId}/disable", 202, body="BatchJobDisableOptions", conditional=True
    ),
    Operation("enable_job", "POST", "/jobs/{jobId}/enable", 202, conditional=True),
    Operation(
        "terminate_job",
        "POST",
        "/jobs/{jobId}/terminate",
        202,
        query=FORCE,
        body="BatchJobTerminateOptions",
        body_optional=True,
        conditional=True,
    ),
    Operation("create_job", "POST", "/jobs", 201, body="BatchJobCreateOptions"),
    Operation("list_jobs", "GET", "/jobs", query=FULL_LIST),
    Operation(
        "list_job_preparation_and_release_task_status",
        "GET",
        "/jobs/{jobId}/jobpreparationandreleasetaskstatus",
        query=PAGE | FILTER | SELECT,
    ),
    Operation("get_job_task_counts", "GET", "/jobs/{jobId}/taskcounts"),
)

SCHEDULES = (
    Operation("list_jobs_from_schedule", "GET", f"{SCHEDULE}/jobs", query=FULL_LIST),
    Operation("job_schedule_exists", "HEAD", SCHEDULE, conditional=True),
    Operation("delete_job_schedule", "DELETE", SCHEDULE, 202, query=FORCE, conditional=True),
    Operation("get_job_schedule", "GET", SCHEDULE, query=SELECT | EXPAND, conditional=True),
    Operation(
        "update_job_schedule", "PATCH", SCHEDULE, body="BatchJobScheduleUpdateOptions", conditional=True
    ),
    Operation("replace_job_schedule", "PUT", SCHEDULE, body="BatchJobSchedule", conditional=True),
    Operation("disable_job_schedule", "POST", f"{SCHEDULE}/disable", 204, conditional=True),
    Operation("enable_job_schedule", "POST", f"{SCHEDULE}/enable", 204, conditional=True),
    Operation("terminate_job_schedule", "POST", f"{SCHEDULE}/terminate", 202, query=FORCE, conditional=True),
    Operation("create_job_schedule", "POST", "/jobschedules", 201, body="BatchJobScheduleCreateOptions"),
    Operation("list_job_schedules", "GET", "/jobschedules", query=FULL_LIST),
)

TASKS = (
    Operation("create_task", "POST", "/jobs/{jobId}/tasks", 201, body="BatchTaskCreateOptions"),
    Operation("list_tasks", "GET", "/jobs/{jobId}/tasks", query=FULL_LIST),
    Operation("create_task_collection", "POST", "/jobs/{jobId}/addtaskcollection", body="BatchTaskGroup"),
    Operation("delete_task", "DELETE", TASK, conditional=True),
    Operation("get_task", "GET", TASK, query=SELECT | EXPAND, conditional=True),
    Operation("replace_task", "PUT", TASK, body="BatchTask", conditional=True),
    Operation("list_subtasks", "GET", f"{TASK}/subtasksinfo", query=SELECT),
    Operation("terminate_task", "POST", f"{TASK}/terminate", 204, conditional=True),
    Operation("reactivate_task", "POST", f"{TASK}/reactivate", 204, conditional=True),
    Operation("delete_task_file", "DELETE", f"{TASK}/files/{{filePath}}", query=RECURSIVE),
    Operation("download_task_file", "GET", f"{TASK}/files/{{filePath}}", conditional=True),
    Operation("get_task_file_properties", "HEAD", f"{TASK}/files/{{filePath}}", conditional=True),
    Operation("list_task_files", "GET", f"{TASK}/files", query=PAGE | FILTER | RECURSIVE),
)

# Of older api-versions only.
CERTIFICATE = "/certificates(thumbprintAlgorithm={thumbprintAlgorithm},thumbprint={thumbprint})"
RETIRED = (
    Operation("create_certificate", "POST", "/certificates", 201, body="CertificateCreateOptions"),
    Operation("list_certificates", "GET", "/certificates", query=PAGE | FILTER | SELECT),
    Operation("get_certificate", "GET", CERTIFICATE, query=SELECT),
    Operation("delete_certificate", "DELETE", CERTIFICATE, 202),
    Operation("cancel_certificate_deletion", "POST", f"{CERTIFICATE}/canceldelete", 204),
    Operation("get_remote_desktop", "GET", f"{NODE}/rdp"),
    Operation("get_lifetime_pool_statistics", "GET", "/lifetimepoolstats"),
    Operation("get_lifetime_job_statistics", "GET", "/lifetimejobstats"),
)

OPERATIONS = ACCOUNT + POOLS + NODES + JOBS + SCHEDULES + TASKS
OPERATION_NAMES = tuple(item.name for item in OPERATIONS)


@lru_cache
def operation(name: str) -> Operation:
    """The operation of that name.

    :raises KeyError: when there is none.
    """
    return {item.name: item for item in OPERATIONS}[name]
