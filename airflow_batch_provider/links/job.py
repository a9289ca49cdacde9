"""The links from an Airflow task to its Batch job and to what that wrote. None carries a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

    from airflow_batch_provider.client.connect.settings import BatchSettings

JOB_LINK_KEY = "azure_batch_job_link"
OUTPUT_LINK_KEY = "azure_batch_output_link"

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
    from airflow_batch_provider.client.connect.endpoints import is_local_http

    if is_local_http(settings.endpoint):
        return f"{settings.endpoint}/#{quote(job_id)}"
    portal = _portal(settings)
    if settings.subscription_id and settings.resource_group:
        return f"{portal}/#resource{settings.account_resource_id}/jobs"
    return f"{portal}/#browse/{quote('Microsoft.Batch/batchAccounts', safe='')}"


def output_url(settings: BatchSettings, place: str) -> str | None:
    """Where a person can look at what tasks wrote, also when their nodes are gone.

    Parameters:
        settings: the account. With a subscription and a resource group the link leads to the container in the
            portal, taking the storage account for one of that group; else it is the plain URL, to be opened
            by a tool that signs in.
        place: ``container/prefix``.

    Returns:
        None without a storage account.
    """
    if settings.storage is None:
        return None
    container, _, prefix = place.partition("/")
    url = settings.storage.account_url
    if url.startswith("http://") or not (settings.subscription_id and settings.resource_group):
        return f"{url}/{container}/{quote(prefix)}/"
    account = (
        f"/subscriptions/{settings.subscription_id}/resourceGroups/{settings.resource_group}"
        f"/providers/Microsoft.Storage/storageAccounts/{settings.storage.account_name}"
    )
    blade = "Microsoft_Azure_Storage/ContainerMenuBlade/~/overview"
    return f"{_portal(settings)}/#view/{blade}/storageAccountId/{quote(account, safe='')}/path/{container}"


def store_links(
    ti: Any, settings: BatchSettings, job_id: str, place: str | None = None
) -> tuple[str, str | None]:
    """Keep the addresses where the UI finds them; known before the job is, they lead there whatever follows.

    Parameters:
        ti: the task instance.
        settings: the account.
        job_id: the job.
        place: ``container/prefix`` of what its tasks leave; None: they have no work area.

    Returns:
        The address of the job, and that of the output if there is one.
    """
    job, output = job_url(settings, job_id), output_url(settings, place) if place is not None else None
    ti.xcom_push(key=JOB_LINK_KEY, value=job)
    if output is not None:
        ti.xcom_push(key=OUTPUT_LINK_KEY, value=output)
    return job, output


def _portal(settings: BatchSettings) -> str:
    return _PORTALS.get(settings.arm_endpoint, "https://portal.azure.com")


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


class AzureBatchOutputLink(BaseOperatorLink):
    """The button *Batch output* of a task: the work area of its job, or of its own Batch task."""

    @property
    def name(self) -> str:
        """What the button says."""
        return "Batch output"

    @property
    def xcom_key(self) -> str:
        """Under which XCom the address is found."""
        return OUTPUT_LINK_KEY

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """The address, as the operator knows it in the worker; the UI reads the XCom."""
        return str(getattr(operator, "output_url", None) or "")
