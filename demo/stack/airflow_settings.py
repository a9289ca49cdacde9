"""The environment that makes Airflow run on one machine, headless, without login. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.stack.keys import StackKeys

__all__ = ["AirflowPorts", "AirflowSettings", "airflow_env", "connection_env", "is_airflow_variable"]


@dataclass(frozen=True)
class AirflowPorts:
    """Ports of Airflow.

    Parameters:
        api: UI and REST.
        worker_logs: where the scheduler's workers serve logs.
        trigger_logs: where the triggerer serves logs.
    """

    api: int
    worker_logs: int
    trigger_logs: int


@dataclass(frozen=True)
class AirflowSettings:
    """How this Airflow is to be.

    Parameters:
        home: AIRFLOW_HOME.
        dags_folder: where DAG files lie.
        metadata_url: SQLAlchemy URL of the metadata database.
        ports: its ports.
        keys: secrets that its processes share.
        parallelism: worker processes of the LocalExecutor.
        connections: connection id -> fields, as in Airflow's JSON form.
        paused: whether DAGs are paused when they are first seen.
        extra_env: more variables; these win.
    """

    home: Path
    dags_folder: Path
    metadata_url: str
    ports: AirflowPorts
    keys: StackKeys
    parallelism: int
    connections: Mapping[str, Mapping[str, object]]
    paused: bool
    extra_env: Mapping[str, str]

    @property
    def url(self) -> str:
        """Address of the UI."""
        return f"http://localhost:{self.ports.api}"


def is_airflow_variable(name: str) -> bool:
    """Whether a variable would change how Airflow runs; those of the user's shell must not leak in."""
    return name.startswith(("AIRFLOW__", "AIRFLOW_"))


def connection_env(connections: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Connections as the variables in which Airflow looks for them first."""
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields) for name, fields in connections.items()}


def airflow_env(settings: AirflowSettings, project_dir: Path) -> dict[str, str]:
    """All variables of an Airflow process.

    Parameters:
        settings: how Airflow is to be.
        project_dir: put on the module search path, for the provider and for the host name below.
    """
    ports, keys = settings.ports, settings.keys
    return {
        "AIRFLOW_HOME": str(settings.home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.dags_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": str(settings.parallelism),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{settings.url}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": keys.fernet,
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": str(settings.paused),
        # Machines whose own name does not resolve would not find their own logs.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "demo.stack.hostname.loopback",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": settings.metadata_url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(ports.api),
        "AIRFLOW__API__BASE_URL": settings.url,
        "AIRFLOW__API__WORKERS": "1",
        # A 500 tells what happened instead of an id to be looked for in a log that ends with the stack.
        "AIRFLOW__API__EXPOSE_STACKTRACE": "True",
        "AIRFLOW__API__SECRET_KEY": keys.api,
        "AIRFLOW__API_AUTH__JWT_SECRET": keys.jwt,
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(ports.worker_logs),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(ports.trigger_logs),
        # Ends of workers are noticed sooner; triggers wait for that long.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONPATH": str(project_dir),
        # A proxy of the environment must not be asked for this machine's own ports.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        **connection_env(settings.connections),
        **settings.extra_env,
    }
