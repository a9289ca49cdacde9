"""The link from an Airflow task to its Batch job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

    from airflow_batch_provider.client.settings import BatchSettings

JOB_LINK_KEY = "azure_batch_job_link"

_PORTALS = {
    "https://management.usgovcloudapi.net": "https://portal.azure.us",
    "https://management.chinacloudapi.cn": "https://portal.azure.cn",
}


def job_url(settings: BatchSettings, job_id: str) -> str:
    """Where a person can look at a job: the emulator's page, or the account's jobs in the Azure portal.

    Parameters:
        settings: the account; without a subscription the link leads to the list of Batch accounts.
        job_id: the job.
    """
    from airflow_batch_provider.client.endpoints import is_local_http

    if is_local_http(settings.endpoint):
        return f"{settings.endpoint}/#{quote(job_id)}"
    portal = _PORTALS.get(settings.arm_endpoint, "https://portal.azure.com")
    if settings.subscription_id and settings.resource_group:
        return f"{portal}/#resource{settings.account_resource_id}/jobs"
    return f"{portal}/#browse/{quote('Microsoft.Batch/batchAccounts', safe='')}"


class AzureBatchJobLink(BaseOperatorLink):
    """The button *Batch job* of a task. Its address is stored when the job is submitted."""

    @property
    def name(self) -> str:
        """What the button says."""
        return "Batch job"

    @property
    def xcom_key(self) -> str:
        """Under which XCom the address is found."""
        return JOB_LINK_KEY

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """The address, as the operator knows it in the worker; the UI reads the XCom."""
        return str(getattr(operator, "job_url", None) or "")
