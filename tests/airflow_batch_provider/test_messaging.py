"""The watcher by Airflow's common trigger for message queues, with the real provider of that trigger."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest
from airflow.providers.common.messaging.triggers.msg_queue import MessageQueueTrigger

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.triggers.blob_events import BlobCreatedTrigger


def test_the_scheme_makes_the_watcher() -> None:
    common = MessageQueueTrigger(
        scheme="azure-storage-queue", queue_name="scans", conn_id="mine", suffix=".tiff", max_batch=5
    )
    direct = BlobCreatedTrigger(queue_name="scans", conn_id="mine", suffix=".tiff", max_batch=5)

    assert common.serialize() == direct.serialize()


def test_the_older_form_names_the_queue_in_a_uri() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        common = MessageQueueTrigger(queue="azure-storage-queue://scans?conn_id=mine", container="in1")

    assert common.serialize() == BlobCreatedTrigger("scans", "mine", container="in1").serialize()


def test_a_value_that_cannot_work_is_refused_as_by_the_watcher_itself() -> None:
    common = MessageQueueTrigger(scheme="azure-storage-queue", max_batch=0)

    with pytest.raises(SpecError, match="max_batch is 0"):
        common.serialize()


WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("airflow.providers.common.messaging.providers"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from airflow.providers_manager import ProvidersManager

print([name for name in ProvidersManager().queue_class_names if name.startswith("airflow_batch_provider")])
"""


@pytest.mark.slow
def test_without_the_common_provider_airflow_goes_without_it_and_warns_of_nothing() -> None:
    ran = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "[]"
    assert "warning" not in (ran.stdout + ran.stderr).lower()
