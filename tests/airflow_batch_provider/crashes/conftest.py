"""What the tests of crashes share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from batch_emulator.faults.record import Faults
from tests.airflow_batch_provider.crashes.airflow import Airflow
from tests.airflow_batch_provider.crashes.service import Service, serving


@pytest.fixture(scope="package")
def service() -> Iterator[Service]:
    """Azure Batch in this process. Tests use ids of their own."""
    with serving() as made:
        yield made


@pytest.fixture
def airflow(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Airflow]:
    """Airflow with a connection to the service that names no storage account."""
    caplog.set_level("WARNING")  # tens of thousands of requests are logged otherwise
    yield Airflow(service, monkeypatch)
    service.faults.set(Faults())
