"""What a pool that the service makes for a job needs of the account before the job is submitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from airflow_batch_provider.client.drive import Driver, log_to
from airflow_batch_provider.client.images import list_supported
from airflow_batch_provider.client.job_run import explained
from airflow_batch_provider.client.settings import BatchSettings
from airflow_batch_provider.spec.auto_pool import AutoPool
from airflow_batch_provider.spec.latest_image import LatestImage


def in_account(auto: AutoPool, settings: BatchSettings, open_client: Callable[[], Any], log: Any) -> AutoPool:
    """The pool with the account that its packages are of, and with an image in place of a pattern.

    Parameters:
        auto: rendered.
        settings: of the connection.
        open_client: gives the Batch client; called when the image is a pattern.
        log: takes the lines for the task's log.

    Raises:
        SettingsError: there are packages, and the connection does not name the account's resource.
        SpecError: the service supports no image that fits.
        BatchRequestError: the service refused to list its images.
    """
    account = settings.account_resource_id if auto.pool.packages else ""
    image = None
    if isinstance(auto.pool.image, LatestImage):
        with explained(f"Looking for the image of {auto.where}"):
            image = auto.pool.image.choose(Driver(open_client(), log_to(log)).run(list_supported()))
    return replace(auto, account_resource_id=account, image=image)
