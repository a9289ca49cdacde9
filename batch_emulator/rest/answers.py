"""The model of each operation's answer; ``[item]`` for a list. An operation that is not here has no body."""

from __future__ import annotations

from collections.abc import Mapping

ANSWERS: Mapping[str, str] = {
    "get_application": "BatchApplication",
    "list_applications": "[BatchApplication]",
    "list_pool_usage_metrics": "[BatchPoolUsageMetrics]",
    "list_supported_images": "[BatchSupportedImage]",
    "list_pool_node_counts": "[BatchPoolNodeCounts]",
    "get_pool": "BatchPool",
    "list_pools": "[BatchPool]",
    "evaluate_pool_auto_scale": "AutoScaleRun",
    "get_node": "BatchNode",
    "list_nodes": "[BatchNode]",
    "get_node_remote_login_settings": "BatchNodeRemoteLoginSettings",
    "upload_node_logs": "UploadBatchServiceLogsResult",
    "get_node_extension": "BatchNodeVMExtension",
    "list_node_extensions": "[BatchNodeVMExtension]",
    "list_node_files": "[BatchNodeFile]",
    "get_job": "BatchJob",
    "list_jobs": "[BatchJob]",
    "list_jobs_from_schedule": "[BatchJob]",
    "get_job_task_counts": "BatchTaskCountsResult",
    "list_job_preparation_and_release_task_status": "[BatchJobPreparationAndReleaseTaskStatus]",
    "get_job_schedule": "BatchJobSchedule",
    "list_job_schedules": "[BatchJobSchedule]",
    "get_task": "BatchTask",
    "list_tasks": "[BatchTask]",
    "list_subtasks": "[BatchSubtask]",
    "create_task_collection": "[BatchTaskCreateResult]",
    "list_task_files": "[BatchNodeFile]",
    "list_certificates": "[Certificate]",
}
