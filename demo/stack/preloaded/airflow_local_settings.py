"""What the scheduler imports before it forks its workers.

Each task of the LocalExecutor is a fork of them, and would import the Azure clients anew: nearly a second of
a core for each start and each resume, as much as all else that a start costs.
"""

import azure.batch
import azure.identity
import azure.storage.blob  # noqa: F401

__all__: list[str] = []  # Airflow takes over what is named here
