from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_batch_provider.client.settings import BatchSettings
from airflow_batch_provider.links.job import JOB_LINK_KEY, AzureBatchJobLink, job_url

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
