"""Connection strings, and what of a URL may be shown."""

from __future__ import annotations

import pytest

from batch_emulator.nodes.storage import LinkedStorage, StorageSettingsError, without_secrets

KEY = "c2VjcmV0LWtleQ=="


def test_a_connection_string_with_an_endpoint() -> None:
    storage = LinkedStorage.from_connection_string(
        f"DefaultEndpointsProtocol=http;AccountName=acc;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:9/acc/;"
    )
    assert (storage.account, storage.key, storage.endpoint) == ("acc", KEY, "http://127.0.0.1:9/acc")


def test_a_connection_string_of_azure() -> None:
    storage = LinkedStorage.from_connection_string(
        f"AccountName=acc;AccountKey={KEY};EndpointSuffix=core.windows.net"
    )
    assert storage.endpoint == "https://acc.blob.core.windows.net"


def test_the_development_account() -> None:
    storage = LinkedStorage.from_connection_string("UseDevelopmentStorage=true;")
    assert storage.endpoint == "http://127.0.0.1:10000/devstoreaccount1"


def test_one_without_a_key_is_refused_without_repeating_it() -> None:
    with pytest.raises(StorageSettingsError, match="AccountKey") as caught:
        LinkedStorage.from_connection_string("AccountName=acc;SharedAccessSignature=sig=abc")
    assert "abc" not in str(caught.value)


def test_the_key_is_in_no_repr() -> None:
    assert KEY not in repr(LinkedStorage("acc", KEY, "http://x"))


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("http://127.0.0.1:9/acc/container/blob?sig=x", True),
        ("http://127.0.0.1:9/acc/container", True),
        ("http://127.0.0.1:9/other/container", False),
        ("http://127.0.0.1:9/account2/container", False),
        ("http://127.0.0.1:8/acc/container", False),
        ("https://acc.blob.core.windows.net/container", False),
    ],
)
def test_it_knows_its_own_urls(url: str, ours: bool) -> None:
    assert LinkedStorage("acc", KEY, "http://127.0.0.1:9/acc").holds(url) is ours


def test_a_url_is_shown_without_signature_and_password() -> None:
    assert without_secrets("https://u:p@host:1/c/b.txt?sv=1&sig=abc#f") == "https://host:1/c/b.txt"
    assert (
        without_secrets("http://[::1/x?sig=abc")
        == without_secrets("http://h:x/?sig=abc")
        == "(malformed URL)"
    )
