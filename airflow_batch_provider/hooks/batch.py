"""The hook: an Airflow connection, and the Azure clients behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_batch_provider.masking import mask_in_loop
from airflow_batch_provider.spec.errors import SpecError

# The client is imported where it is used: every operator module imports this one when a DAG is parsed.
if TYPE_CHECKING:
    from azure.batch import BatchClient
    from azure.batch.aio import BatchClient as AsyncBatchClient
    from azure.mgmt.batch import BatchManagementClient

    from airflow_batch_provider.client.connect.settings import BatchSettings
    from airflow_batch_provider.client.files.storage import StorageAccess
    from airflow_batch_provider.client.jobs.job_files import JobFiles
    from airflow_batch_provider.client.pools.quotas import Quotas
    from airflow_batch_provider.spec.job import JobOptions


class AzureBatchHook(BaseHook):
    """Azure Batch by an Airflow connection of type ``azurebatch`` or of the official type ``azure_batch``.

    In a triggerer use the asynchronous half (``aget_settings``, ``async_batch_client``, ``astorage``): the
    synchronous one would block the loop on the connection. Both read the same settings once.

    Parameters:
        conn_id: id of the Airflow connection.

    Raises:
        SpecError: ``conn_id`` is no text, or empty.
    """

    conn_name_attr = "conn_id"
    default_conn_name = "azure_batch_default"
    conn_type = "azurebatch"
    hook_name = "Azure Batch (jobs and pools)"

    def __init__(self, conn_id: str = default_conn_name) -> None:
        super().__init__()
        if not isinstance(conn_id, str) or not conn_id.strip():
            raise SpecError(
                f"conn_id is {conn_id!r}", right="Give the id of an Airflow connection: conn_id='...'."
            )
        self.conn_id = conn_id
        self._settings: BatchSettings | None = None

    @property
    def settings(self) -> BatchSettings:
        """The connection, read and checked; its secrets are known to the log masker from here on.

        Raises:
            AirflowNotFoundException: there is no such connection.
            SettingsError: the connection cannot work as it is.
        """
        if self._settings is None:
            from airflow.sdk.log import mask_secret

            from airflow_batch_provider.client.connect.connections import (
                asked_for,
                named_by,
                read_connection,
                with_storage,
            )

            with asked_for(self.conn_id):
                connection = self.get_connection(self.conn_id)
            settings = read_connection(connection, connection.extra_dejson)
            if settings.storage_conn_id:
                with named_by(self.conn_id, settings.storage_conn_id):
                    storage = self.get_connection(settings.storage_conn_id)
                settings = with_storage(settings, storage, storage.extra_dejson)
            for secret in settings.secrets():
                mask_secret(secret)
            self._keep(settings)
        return self._kept()

    async def aget_settings(self) -> BatchSettings:
        """As ``settings``, without blocking the event loop.

        Raises:
            SettingsError: the connection cannot work as it is.
        """
        if self._settings is None:
            from airflow_batch_provider.client.connect.connections import (
                asked_for,
                named_by,
                read_connection,
                with_storage,
            )

            with asked_for(self.conn_id):
                connection = await self.aget_connection(self.conn_id)
            settings = read_connection(connection, await _extra_of(connection))
            if settings.storage_conn_id:
                with named_by(self.conn_id, settings.storage_conn_id):
                    storage = await self.aget_connection(settings.storage_conn_id)
                settings = with_storage(settings, storage, await _extra_of(storage))
            await mask_in_loop(settings.secrets())
            self._keep(settings)
        return self._kept()

    def batch_client(self) -> BatchClient:
        """The synchronous Batch client; one per hook."""
        return self._batch_client

    @asynccontextmanager
    async def async_batch_client(self, **options: Any) -> AsyncIterator[AsyncBatchClient]:
        """The asynchronous Batch client, open until the block ends.

        Parameters:
            options: client options of azure-core, such as ``retry_total``.
        """
        from airflow_batch_provider.client.connect.clients import open_async_batch_client

        settings = await self.aget_settings()
        async with open_async_batch_client(settings, **options) as client:
            yield client

    def management_client(self) -> BatchManagementClient:
        """The management-plane client; one per hook.

        Raises:
            SettingsError: the connection does not say the subscription.
        """
        return self._management_client

    def quotas(self) -> Quotas:
        """The account's quotas, and what is used of them.

        Limits and cores of VM sizes are told by the management plane: the connection has to name
        ``subscription_id``, ``resource_group`` and an identity with the role Reader on the subscription. What
        it does not tell is None, and ``unknown`` says why; pools and jobs are counted all the same.

        Raises:
            SettingsError: the connection cannot work as it is.
            BatchRequestError: the service refused to list pools, jobs or job schedules.
        """
        from airflow_batch_provider.client.pools.account_limits import show_quotas
        from airflow_batch_provider.client.requests.drive import Driver, log_to
        from airflow_batch_provider.client.requests.explained import explained

        script = show_quotas(self.settings, self.management_client)
        with explained(f"Reading the quotas of account {self.settings.account_name}"):
            return Driver(self.batch_client(), log_to(self.log)).run(script)

    def placed(self, options: JobOptions) -> JobOptions:
        """Options of a job, with what its auto pool needs of the account; others as they are.

        Secrets of that pool are known to the log masker from here on.

        Parameters:
            options: rendered.

        Raises:
            SettingsError: the pool has application packages, and the connection does not name the account's
                resource.
            SpecError: the service supports no image that fits the pool's pattern.
            BatchRequestError: the service refused to list its images.
            BatchPoolHopelessError: the pool can never come up as declared.
        """
        if (auto := options.auto_pool) is None:
            return options
        from airflow.sdk.log import mask_secret

        from airflow_batch_provider.client.jobs.auto_pools import in_account
        from airflow_batch_provider.client.requests.drive import Driver, log_to

        for secret in auto.pool.secrets:
            mask_secret(secret)
        driver = Driver(self.batch_client(), log_to(self.log))
        return replace(options, pool_id=in_account(auto, self.settings, driver, self.management_client))

    def storage(self, *, sas_lifetime: dt.timedelta | None = None, by_identity: bool = True) -> StorageAccess:
        """The storage account of the connection.

        Parameters:
            sas_lifetime: how long SAS handed to nodes are valid; None: as ``StorageAccess`` has it.
            by_identity: whether nodes use the identity that the connection names for them, if it names one;
                pools that the service makes itself cannot have any.

        Raises:
            SettingsError: the connection names no storage account.
        """
        return _storage_access(self.conn_id, self.settings, sas_lifetime, by_identity)

    def job_files(
        self, work_container: str, *, sas_lifetime: dt.timedelta, by_identity: bool = True
    ) -> JobFiles | None:
        """What jobs keep in the connection's storage account; None when the connection names none.

        Parameters:
            work_container: name of the container, checked here.
            sas_lifetime, by_identity: as for ``storage``.
        """
        if self.settings.storage is None:
            return None
        from airflow_batch_provider.client.jobs.job_files import JobFiles
        from airflow_batch_provider.spec.files import blob

        container = blob(f"{work_container}/").container
        return JobFiles(self.storage(sas_lifetime=sas_lifetime, by_identity=by_identity), container)

    async def astorage(self, *, sas_lifetime: dt.timedelta | None = None) -> StorageAccess:
        """As ``storage``, without blocking the event loop on the connection.

        Parameters:
            sas_lifetime: how long SAS handed to nodes are valid; None: as ``StorageAccess`` has it.

        Raises:
            SettingsError: the connection names no storage account.
        """
        return _storage_access(self.conn_id, await self.aget_settings(), sas_lifetime)

    async def amask_definitions(self, places: Iterable[str]) -> bool:
        """Make the secrets in definitions of a custom activity known to the log masker.

        They are in no trigger's row: a triggerer reads them where their node does.

        Parameters:
            places: the blobs, as ``container/name``.

        Returns:
            Whether all could be read.
        """
        from airflow_batch_provider.client.files.activity_files import read_secrets

        secrets = await read_secrets(await self.astorage(), places)
        await mask_in_loop(secrets or [])
        return secrets is not None

    async def adelete_definitions(self, places: Iterable[str]) -> None:
        """Delete definitions of a custom activity that has been killed.

        Parameters:
            places: the blobs, as ``container/name``.

        Raises:
            azure.core.exceptions.AzureError: storage refused, or did not answer.
        """
        from airflow_batch_provider.client.files.activity_files import delete_definitions

        await delete_definitions(await self.astorage(), places)

    def get_conn(self) -> BatchClient:
        """Airflow's name for ``batch_client``."""
        return self.batch_client()

    def test_connection(self) -> tuple[bool, str]:
        """Call Batch, and storage if the connection names it: what the Test button in the UI does.

        Returns:
            Whether both answered, and a text that says what was reached, with the account's quotas, or
            explains what failed.
        """
        from airflow_batch_provider.client.connect.settings import SettingsError
        from airflow_batch_provider.client.connection_check import check_connection
        from airflow_batch_provider.exceptions import BatchRequestError

        try:
            settings = self.settings
        except SettingsError as error:
            return False, str(error)
        storage = self.storage() if settings.storage else None
        works, text = check_connection(settings, storage)
        if works:
            with suppress(BatchRequestError):  # an identity may rightly be kept from what others run
                text = f"{text} {self.quotas()}"
        return works, text

    @cached_property
    def _batch_client(self) -> BatchClient:
        from airflow_batch_provider.client.connect.clients import open_batch_client

        return open_batch_client(self.settings)

    @cached_property
    def _management_client(self) -> BatchManagementClient:
        from airflow_batch_provider.client.connect.arm import management_client

        return management_client(self.settings)

    def _keep(self, settings: BatchSettings) -> None:
        for warning in settings.warnings:
            self.log.warning("Connection %s: %s", self.conn_id, warning)
        self._settings = settings

    def _kept(self) -> BatchSettings:
        assert self._settings is not None
        return self._settings


async def _extra_of(connection: Any) -> dict[str, Any]:
    """The extra fields, read without blocking the loop where Airflow can."""
    read = getattr(connection, "aextra_dejson", None)  # from Airflow 3.3 on
    extra: dict[str, Any] = await read() if read else connection.extra_dejson
    return extra


def _storage_access(
    conn_id: str, settings: BatchSettings, sas_lifetime: dt.timedelta | None, by_identity: bool = True
) -> StorageAccess:
    from airflow.sdk.log import mask_secret

    from airflow_batch_provider.client.connect.settings import SettingsError
    from airflow_batch_provider.client.files.storage import DEFAULT_SAS_LIFETIME, StorageAccess

    if settings.storage is None:
        raise SettingsError(
            f"Airflow connection {conn_id!r} names no storage account, and files are read and written there. "
            "Fill in its extra field storage_conn_id (an Airflow connection of type wasb), "
            "storage_account_url or storage_connection_string."
        )
    return StorageAccess(
        settings.storage,
        node_identity=settings.node_identity if by_identity else None,
        sas_lifetime=sas_lifetime or DEFAULT_SAS_LIFETIME,
        mask=mask_secret,
    )
