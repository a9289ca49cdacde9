"""What may be said to ``AzureBatchOperator``, and what each of it is checked for."""

from __future__ import annotations

from typing import Any

from airflow_batch_provider import argument_checks as kinds
from airflow_batch_provider.shared_arguments import OF_ALL
from airflow_batch_provider.spec.checks import check_period
from airflow_batch_provider.spec.official_parts import wire_of
from airflow_batch_provider.spec.template_syntax import check_templates

OF_JOB = {
    "batch_job_manager_task": "jobManagerTask",
    "batch_job_preparation_task": "jobPreparationTask",
    "batch_job_release_task": "jobReleaseTask",
}
OF_TASK = {
    "batch_task_container_settings": "containerSettings",
    "batch_task_resource_files": "resourceFiles",
    "batch_task_output_files": "outputFiles",
    "batch_task_user_identity": "userIdentity",
}
FILES = ("resourceFiles", "outputFiles")
"""Properties of a task in which Jinja is rendered."""

MODELS = {**OF_JOB, **OF_TASK, "batch_start_task": "startTask"}
"""Arguments that hold wire models -> the properties that these are for."""


def _check_minutes(value: Any, name: str, where: str) -> None:
    check_period(value, what=name, where=where, unit="minutes")


def _check_part(value: Any, name: str, where: str) -> None:
    wire = wire_of(value, where=f"{where}, {name}", model=MODELS[name])
    if MODELS[name] in FILES:
        check_templates(wire, f"{where}, {name}")


CHECKS: kinds.Checks = {
    **OF_ALL,
    "azure_batch_conn_id": kinds.word,
    "timeout": _check_minutes,
    "start_timeout": kinds.some_wait,
    "batch_pool_id": kinds.pool,
    "batch_job_id": kinds.target,
    "batch_task_id": kinds.target,
    "batch_task_command_line": kinds.words,
    "batch_max_retries": kinds.optional(kinds.at_least(0)),
    **dict.fromkeys(("batch_pool_vm_size", "vm_node_agent_sku_id"), kinds.word),
    **dict.fromkeys(
        (
            *("batch_pool_display_name", "batch_job_display_name", "batch_task_display_name", "vm_publisher"),
            *("vm_offer", "vm_sku", "vm_version", "sku_starts_with", "auto_scale_formula"),
        ),
        kinds.optional(kinds.words),
    ),
    **dict.fromkeys(
        ("target_dedicated_nodes", "target_low_priority_nodes"), kinds.optional(kinds.at_least(0))
    ),
    **dict.fromkeys(
        (
            "enable_auto_scale",
            "use_latest_verified_vm_image_and_sku",
            "should_delete_job",
            "should_delete_pool",
        ),
        kinds.flag,
    ),
    **dict.fromkeys(MODELS, _check_part),
}
