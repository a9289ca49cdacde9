"""Looking again and again in the thread of a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_batch_provider.client.requests.drive import Driver
from airflow_batch_provider.client.requests.job_requests import get_job
from airflow_batch_provider.client.requests.steps import Script
from airflow_batch_provider.client.watching.pace import LONGEST, Pace


class Looker:
    """Looks at a job, or at something in it, with a pause before each look.

    Parameters:
        driver: asks the service.
        sleep: waits so many seconds.
        see: asks for what is looked at.
        longest: ceiling of the pause in seconds.
    """

    def __init__(
        self,
        driver: Driver,
        sleep: Callable[[float], None],
        see: Callable[[str], Script[Any]] = get_job,
        *,
        longest: float = LONGEST,
    ) -> None:
        self._driver = driver
        self._sleep = sleep
        self._see = see
        self._pace = Pace(longest)

    def __call__(self, job_id: str) -> Any:
        """What is seen after the pause; of a job its view, or None when it does not exist."""
        self._sleep(self._pace.next())
        return self._driver.run(self._see(job_id))
