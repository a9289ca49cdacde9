"""Which hosts are local, and what account URLs look like."""

from __future__ import annotations

import pytest

from airflow_batch_provider.client.connect.endpoints import account_in_url, is_local_http, normal_url


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://10.1.2.3:1", True),
        ("http://batch-emulator:1", True),
        ("http://host.docker.internal:1", True),
        ("https://127.0.0.1:1", False),
        ("http://8.8.8.8", False),
        ("http://acct.westeurope.batch.azure.com", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
    ],
)
def test_plain_http_is_local_only_for_machines_nearby(url: str, local: bool) -> None:
    assert is_local_http(url) is local


@pytest.mark.parametrize("url", ["https://a.b/?sig=x", "https://user:pw@a.b", "gopher://a.b", "https://"])
def test_what_is_no_account_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        normal_url(url)
    assert "sig=x" not in str(caught.value)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "service", "name"),
    [
        ("https://acct.westeurope.batch.azure.com", "batch", "acct"),
        ("https://acct.westeurope.batch.azure.com", "blob", None),
        ("https://store.blob.core.windows.net", "blob", "store"),
        ("http://127.0.0.1:10000/devstoreaccount1", "blob", "devstoreaccount1"),
        ("http://127.0.0.1:8400", "batch", None),
    ],
)
def test_the_account_in_a_url(url: str, service: str, name: str | None) -> None:
    assert account_in_url(url, service) == name
