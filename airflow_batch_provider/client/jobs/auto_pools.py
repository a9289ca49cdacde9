"""What a pool that the service makes for a job needs of the account before the job is submitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.client.pools.images import list_supported
from airflow_batch_provider.client.pools.pool_check import PoolCheck
from airflow_batch_provider.client.pools.pools import PoolError
from airflow_batch_provider.client.requests.drive import Driver
from airflow_batch_provider.client.requests.explained import explained
from airflow_batch_provider.exceptions import BatchPoolHopelessError
from airflow_batch_provider.spec.auto_pool import AutoPool
from airflow_batch_provider.spec.latest_image import LatestImage


def in_account(
    auto: AutoPool, settings: BatchSettings, driver: Driver, open_management: Callable[[], Any]
) -> AutoPool:
    """The pool with the account that its packages are of, and with an image in place of a pattern.

    Parameters:
        auto: rendered.
        settings: of the connection.
        driver: runs scripts with the Batch client.
        open_management: gives the client of the management plane.

    Raises:
        SettingsError: there are packages, and the connection does not name the account's resource.
        SpecError: the service supports no image that fits.
        BatchRequestError: the service refused to list its images.
        BatchPoolHopelessError: the pool can never come up as declared.
    """
    account = settings.account_resource_id if auto.pool.packages else ""
    image = None
    if isinstance(auto.pool.image, LatestImage):
        with explained(f"Looking for the image of {auto.where}"):
            image = auto.pool.image.choose(driver.run(list_supported()))
    placed = replace(auto, account_resource_id=account, image=image)
    # Neither start task nor packages matter here, and blobs would need their SAS.
    bare = replace(placed, pool=replace(placed.pool, start_task=None, packages=()))
    name = f"{auto.where[:1].upper()}{auto.where[1:]}"
    try:
        driver.run(PoolCheck(settings, open_management).auto_pool(bare.to_wire()["pool"], name))
    except PoolError as problem:
        raise BatchPoolHopelessError(str(problem), layer=problem.layer) from None
    return placed
