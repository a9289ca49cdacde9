"""Play an entry of the gallery: its input lands, its DAG runs, its result is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from demo.following import follow, wait_for_dag
from demo.gallery.entry import Entry, Outcome, Played
from demo.stack import LocalStack
from demo.stack.airflow_client import DagRun
from demo.view import View

__all__ = ["Begun", "begin", "finish", "land", "play", "tell"]


@dataclass(frozen=True)
class Begun:
    """A run of an entry's DAG that goes on.

    Parameters:
        entry: that is played.
        run: as it was when it was asked for.
        since: the time before that.
    """

    entry: Entry
    run: DagRun
    since: datetime


def play(stack: LocalStack, view: View, entry: Entry) -> Played:
    """Play an entry. Parameters and errors as of `begin` and `finish`."""
    return finish(stack, view, begin(stack, view, entry))


def begin(stack: LocalStack, view: View, entry: Entry) -> Begun:
    """Let an entry's input land and its DAG run.

    Parameters:
        stack: runs.
        view: is told what happens.

    Raises:
        ScenarioError: the DAG did not come up.
    """
    wait_for_dag(stack, entry.dag_id)
    land(stack, entry.inputs())
    since = datetime.now(timezone.utc)
    run = stack.airflow.trigger(entry.dag_id, entry.conf)
    view.say(f"DAG run {run.run_id} of {entry.dag_id} is started")
    return Begun(entry, run, since)


def finish(stack: LocalStack, view: View, begun: Begun) -> Played:
    """Wait for the end of a run and judge it.

    Raises:
        ScenarioError: the run did not end well.
        WrongResultError: it ended well, and its result is wrong.
        ComponentError: a process of the stack ended.
    """
    entry = begun.entry
    run, _ = follow(stack, view, entry.dag_id, begun.run, begun.since, entry.seconds)
    return Played(run, entry.judge(Outcome(stack, run)))


def tell(stack: LocalStack, view: View, entry: Entry) -> None:
    """Play an entry and show its result. Parameters and errors as of `play`."""
    shown = play(stack, view, entry).shown
    view.table(shown.title, shown.head, shown.rows)
    view.plain()
    for note in shown.notes:
        view.plain(note)


def land(stack: LocalStack, files: Mapping[str, bytes]) -> None:
    """Upload blobs, overwriting: `container/name` -> content."""
    from azure.storage.blob import BlobServiceClient

    with BlobServiceClient.from_connection_string(stack.storage.connection_string) as service:
        for location, content in files.items():
            container, _, name = location.partition("/")
            service.get_blob_client(container, name).upload_blob(content, overwrite=True)
