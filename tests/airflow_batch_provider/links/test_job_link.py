from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.links.job import (
    JOB_LINK_KEY,
    OUTPUT_LINK_KEY,
    AzureBatchJobLink,
    AzureBatchOutputLink,
    job_url,
    output_url,
)

KEY = "c2VjcmV0LWtleQ=="


def settings(host: str, **extra: Any) -> BatchSettings:
    return BatchSettings.from_connection("azurebatch", host, None, KEY, extra)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (
            {"subscription_id": "sub", "resource_group": "rg"},
            "https://portal.azure.com/#resource/subscriptions/sub/resourceGroups/rg/providers/"
            "Microsoft.Batch/batchAccounts/acct/jobs",
        ),
        (
            {
                "subscription_id": "sub",
                "resource_group": "rg",
                "arm_endpoint": "https://management.usgovcloudapi.net",
            },
            "https://portal.azure.us/#resource/subscriptions/sub/resourceGroups/rg/providers/"
            "Microsoft.Batch/batchAccounts/acct/jobs",
        ),
        ({}, "https://portal.azure.com/#browse/Microsoft.Batch%2FbatchAccounts"),
    ],
)
def test_the_link_leads_to_the_accounts_jobs_in_the_portal(extra: dict[str, Any], expected: str) -> None:
    assert job_url(settings("https://acct.westeurope.batch.azure.com", **extra), "job-1") == expected


def test_a_local_account_has_its_emulators_page_and_no_secret_is_in_it() -> None:
    local = BatchSettings.from_connection("azurebatch", "http://127.0.0.1:9", "acct", KEY, {})
    assert job_url(local, "job-1") == "http://127.0.0.1:9/#job-1"


def test_the_address_is_found_under_the_key_that_it_is_stored_under() -> None:
    link = AzureBatchJobLink()
    assert link.xcom_key == JOB_LINK_KEY
    operator = SimpleNamespace(job_url="https://x/y")
    assert link.get_link(operator, ti_key=None) == "https://x/y"  # type: ignore[arg-type]


STORE = {"storage_account_url": "https://store.blob.core.windows.net"}
PLACE = "batch-work/dag-job-1"


def test_the_output_link_leads_to_the_container_in_the_portal() -> None:
    account = settings(
        "https://acct.westeurope.batch.azure.com", subscription_id="sub", resource_group="rg", **STORE
    )
    url = output_url(account, PLACE)
    assert url is not None
    assert url.startswith("https://portal.azure.com/#view/Microsoft_Azure_Storage/ContainerMenuBlade/")
    assert "%2FstorageAccounts%2Fstore/path/batch-work" in url


def test_without_a_subscription_it_is_the_plain_url() -> None:
    account = settings("https://acct.westeurope.batch.azure.com", **STORE)
    assert output_url(account, PLACE) == f"https://store.blob.core.windows.net/{PLACE}/"


def test_without_storage_there_is_no_output_link() -> None:
    assert output_url(settings("https://acct.westeurope.batch.azure.com"), PLACE) is None


def test_no_link_carries_a_signature() -> None:
    text = (
        "BlobEndpoint=https://store.blob.core.windows.net;"
        "SharedAccessSignature=sv=2026&sig=c2lnbmF0dXJlLXNlY3JldA%3D%3D"
    )
    account = settings("https://acct.westeurope.batch.azure.com", storage_connection_string=text)
    links = f"{job_url(account, 'j')} {output_url(account, PLACE)}"
    assert "sig" not in links
    assert KEY not in links


def test_the_output_link_is_found_under_its_key() -> None:
    link = AzureBatchOutputLink()
    assert (link.name, link.xcom_key) == ("Batch output", OUTPUT_LINK_KEY)
    assert link.get_link(SimpleNamespace(output_url="https://x"), ti_key=None) == "https://x"  # type: ignore[arg-type]
