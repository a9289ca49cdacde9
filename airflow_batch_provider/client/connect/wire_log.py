"""Keep what the Azure clients log of their own work out of task logs, unless someone asked for it."""

from __future__ import annotations

import logging

_LEVELS = {
    # Five lines per request at INFO, which is the level of Airflow's task logs.
    "azure.core.pipeline.policies.http_logging_policy": logging.WARNING,
    # A warning with a traceback for each refusal whose body is no JSON, as that of a HEAD request. The
    # refusal itself is raised and told.
    "azure.batch._utils.model_base": logging.ERROR,
}


def quiet_wire_log() -> None:
    """Raise the levels of these loggers; one that was set on purpose is left alone."""
    for name, level in _LEVELS.items():
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(level)
