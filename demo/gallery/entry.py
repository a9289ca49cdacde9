"""What an entry of the gallery is: a DAG, its input, and who says whether the result is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from demo.following import ScenarioError
from demo.stack import LocalStack
from demo.stack.airflow_client import DagRun

__all__ = ["Entry", "Outcome", "Played", "Shown", "WrongResultError", "no_inputs"]


class WrongResultError(ScenarioError):
    """The DAG run succeeded and its result is wrong. The text says what was found and what is right."""


@dataclass(frozen=True)
class Outcome:
    """What a judge may look at.

    Parameters:
        stack: in which the run was.
        run: the run, ended well.
    """

    stack: LocalStack
    run: DagRun

    def returned(self, task_id: str, map_index: int = -1) -> Any:
        """What an Airflow task returned."""
        return self.stack.airflow.xcom(self.run.dag_id, self.run.run_id, task_id, map_index=map_index)

    def blob(self, location: str) -> bytes:
        """Content of a blob that the run has written, by `container/name`.

        Raises:
            WrongResultError: it is not there, or of an earlier run.
        """
        from azure.core.exceptions import ResourceNotFoundError
        from azure.storage.blob import BlobClient

        container, _, name = location.partition("/")
        connection = self.stack.storage.connection_string
        with BlobClient.from_connection_string(connection, container, name) as client:
            try:
                found = client.download_blob()
            except ResourceNotFoundError:
                raise WrongResultError(f"The run has left no blob {location}.") from None
            written, begun = found.properties.last_modified, self.run.start_date or self.run.queued_at
            # Storage tells whole seconds only.
            if begun and written < begun.replace(microsecond=0):
                raise WrongResultError(f"The blob {location} is of {written}; the run began at {begun}.")
            return found.readall()


@dataclass(frozen=True)
class Shown:
    """What the demo shows of a result that is right: a table, and lines below it."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


def no_inputs() -> dict[str, bytes]:
    """For DAGs that need nothing but their parameters."""
    return {}


@dataclass(frozen=True)
class Entry:
    """One DAG of the gallery.

    Parameters:
        dag_id: of a DAG in `dags/`.
        judge: looks at what came out, by a way of its own; raises `WrongResultError`.
        inputs: makes what lands in storage before the run: `container/name` -> content.
        conf: parameters of the run, where they are not the DAG's own.
        seconds: that the run may take.
    """

    dag_id: str
    judge: Callable[[Outcome], Shown]
    inputs: Callable[[], Mapping[str, bytes]] = no_inputs
    conf: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 300.0


@dataclass(frozen=True)
class Played:
    """A run that ended well, with a result that is right."""

    run: DagRun
    shown: Shown
