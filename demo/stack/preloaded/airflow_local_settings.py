"""What scheduler and triggerer import before they fork.

Each task of the LocalExecutor is a fork of the scheduler's workers, and would import the Azure clients anew:
nearly a second of a core for each start and each resume, as much as all else that a start costs. The triggers
run in a fork of the triggerer, in which the first event of a blob would wait for the import.
"""

import azure.batch.aio
import azure.identity
import azure.storage.blob.aio
import azure.storage.queue.aio  # noqa: F401

__all__: list[str] = []  # Airflow takes over what is named here
