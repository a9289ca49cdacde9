"""Keep the Azure clients' log of every request out of task logs, unless someone asked for it."""

from __future__ import annotations

import logging

# azure-core writes five lines per request here at INFO, which is the level of Airflow's task logs.
_LOGGER = "azure.core.pipeline.policies.http_logging_policy"


def quiet_wire_log() -> None:
    """Raise that logger's level to WARNING; a level that was set on purpose is left alone."""
    logger = logging.getLogger(_LOGGER)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)
