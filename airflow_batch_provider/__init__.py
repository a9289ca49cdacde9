"""Azure Batch for Apache Airflow."""

from __future__ import annotations

__version__ = "0.1.0"


def get_provider_info() -> dict[str, object]:
    """Tell Airflow what this distribution brings (entry point ``apache_airflow_provider``)."""
    return {
        "package-name": "airflow-provider-azure-batch",
        "name": "Azure Batch",
        "description": "Azure Batch pools, job graphs and blob events for Apache Airflow.",
        "versions": [__version__],
    }
