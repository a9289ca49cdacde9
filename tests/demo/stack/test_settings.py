from __future__ import annotations

import json
from pathlib import Path

from demo.stack.accounts import BatchAccount, StorageAccount
from demo.stack.airflow_settings import AirflowPorts, AirflowSettings, airflow_env, is_airflow_variable
from demo.stack.keys import load_keys
from demo.stack.options import default_connections

STORAGE = StorageAccount(1, 2, 3)
BATCH = BatchAccount("http://127.0.0.1:4", "batch", "a2V5")


def test_keys_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    keys = load_keys(tmp_path)
    assert load_keys(tmp_path) == keys
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0
    assert load_keys_elsewhere(tmp_path) != keys


def load_keys_elsewhere(tmp_path: Path) -> object:
    (tmp_path / "other").mkdir()
    return load_keys(tmp_path / "other")


def test_no_key_is_in_a_repr(tmp_path: Path) -> None:
    keys = load_keys(tmp_path)
    text = repr((keys, STORAGE, BATCH))
    assert not any(secret in text for secret in (keys.jwt, keys.batch, keys.fernet, STORAGE.key, BATCH.key))


def test_every_port_of_airflow_can_be_moved(tmp_path: Path) -> None:
    settings = AirflowSettings(
        home=tmp_path,
        dags_folder=tmp_path / "dags",
        metadata_url="sqlite:///x",
        ports=AirflowPorts(api=18080, worker_logs=18793, trigger_logs=18794),
        keys=load_keys(tmp_path),
        parallelism=3,
        connections=default_connections(STORAGE, BATCH),
        paused=False,
        extra_env={"AIRFLOW__CORE__PARALLELISM": "9"},
    )
    env = airflow_env(settings, tmp_path)
    assert env["AIRFLOW__API__PORT"] == "18080"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://localhost:18080/execution/"
    assert env["AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT"] == "18793"
    assert env["AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT"] == "18794"
    assert env["AIRFLOW__CORE__PARALLELISM"] == "9", "what the caller says wins"
    connection = json.loads(env["AIRFLOW_CONN_AZURE_BATCH_DEFAULT"])
    assert (connection["host"], connection["login"]) == ("http://127.0.0.1:4", "batch")
    assert connection["extra"]["storage_connection_string"] == STORAGE.connection_string


def test_airflow_settings_of_the_shell_are_recognised() -> None:
    assert is_airflow_variable("AIRFLOW__CORE__EXECUTOR")
    assert is_airflow_variable("AIRFLOW_HOME")
    assert not is_airflow_variable("PATH")
