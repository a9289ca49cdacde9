"""Minting shared access signatures: short-lived, for one blob or container, and known to the log masker."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from airflow_batch_provider.client.connect.secret import signatures_in
from airflow_batch_provider.client.connect.storage_settings import StorageSettings

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient

# Azure Storage: *Create a user delegation SAS*: neither key nor SAS may live longer than seven days.
_DELEGATION_LIMIT = dt.timedelta(days=7) - dt.timedelta(minutes=30)
# Azure Storage: *Best practices when using SAS*: a start in the past allows for clocks that differ.
_CLOCK_SKEW = dt.timedelta(minutes=15)


class SasMint:
    """Makes SAS query strings for one storage account.

    Parameters:
        storage: the account; with a SAS of its own that one is handed on, as nothing can be derived from it.
        open_client: the blob client, called only when a user delegation key is needed.
        mask: called with every signature before it is returned.
    """

    def __init__(
        self,
        storage: StorageSettings,
        open_client: Callable[[], BlobServiceClient],
        mask: Callable[[str], None],
    ) -> None:
        self._storage = storage
        self._open_client = open_client
        self._mask = mask
        self._delegation: tuple[dt.datetime, Any] | None = None

    def blob(self, container: str, name: str, lifetime: dt.timedelta) -> str:
        """A query string that lets its holder read one blob for ``lifetime``."""
        from azure.storage.blob import BlobSasPermissions, generate_blob_sas

        return self._sign(
            lifetime,
            lambda **common: generate_blob_sas(
                container_name=container, blob_name=name, permission=BlobSasPermissions(read=True), **common
            ),
        )

    def container(self, container: str, permissions: str, lifetime: dt.timedelta) -> str:
        """A query string for a container; permissions are letters: ``r`` read, ``l`` list, ``w`` write..."""
        from azure.storage.blob import ContainerSasPermissions, generate_container_sas

        return self._sign(
            lifetime,
            lambda **common: generate_container_sas(
                container_name=container,
                permission=ContainerSasPermissions.from_string(permissions),
                **common,
            ),
        )

    def longest(self) -> dt.timedelta | None:
        """How long a SAS made now can live at most; None: as long as one likes."""
        if self._storage.account_key:
            return None
        if self._storage.sas_token is None:
            return _DELEGATION_LIMIT
        (expiry, *_) = parse_qs(self._storage.sas_token.reveal()).get("se", [""])
        try:
            end = dt.datetime.fromisoformat(expiry.replace("Z", "+00:00"))
        except ValueError:  # one with a stored access policy has its end there
            return None
        end = end if end.tzinfo else end.replace(tzinfo=dt.timezone.utc)
        return max(dt.timedelta(0), end - dt.datetime.now(dt.timezone.utc))

    def _sign(self, lifetime: dt.timedelta, generate: Callable[..., str]) -> str:
        if self._storage.sas_token and not self._storage.account_key:
            token = self._storage.sas_token.reveal()
        else:
            token = generate(account_name=self._storage.account_name, **self._key_and_times(lifetime))
        for secret in signatures_in(token):
            self._mask(secret)
        return token

    def _key_and_times(self, lifetime: dt.timedelta) -> dict[str, Any]:
        now = dt.datetime.now(dt.timezone.utc)
        times = {"start": now - _CLOCK_SKEW, "expiry": now + lifetime}
        if self._storage.account_url.startswith("https"):
            times_and_protocol: dict[str, Any] = {**times, "protocol": "https"}
        else:
            times_and_protocol = {**times}
        if self._storage.account_key:
            return {**times_and_protocol, "account_key": self._storage.account_key.reveal()}
        if self._storage.identity is None:
            raise ValueError(
                f"The storage account {self._storage.account_name} is reached without a key or an identity, "
                "so no SAS can be made for the nodes. Give the storage connection one of them."
            )
        expiry = min(times["expiry"], now + _DELEGATION_LIMIT)
        return {
            **times_and_protocol,
            "expiry": expiry,
            "user_delegation_key": self._delegation_key(now, expiry),
        }

    def _delegation_key(self, now: dt.datetime, until: dt.datetime) -> Any:
        """A user delegation key valid until at least ``until``; one call to the service serves many SAS."""
        if self._delegation is None or self._delegation[0] < until:
            key_until = min(until + dt.timedelta(hours=1), now + _DELEGATION_LIMIT)
            key = self._open_client().get_user_delegation_key(now - _CLOCK_SKEW, max(key_until, until))
            self._delegation = (max(key_until, until), key)
        return self._delegation[1]
