"""Azure Batch for Apache Airflow."""

from __future__ import annotations

__version__ = "0.1.0"


def get_provider_info() -> dict[str, object]:
    """Tell Airflow what this distribution brings (entry point ``apache_airflow_provider``)."""
    from airflow_batch_provider.provider_info import provider_info

    return provider_info(__version__)
