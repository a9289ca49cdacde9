"""Play an entry of the gallery: its input lands, its DAG runs, its result is judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from demo.following import follow, wait_for_dag
from demo.gallery.entry import Entry, Outcome, Played
from demo.stack import LocalStack
from demo.view import View

__all__ = ["land", "play", "tell"]


def play(stack: LocalStack, view: View, entry: Entry) -> Played:
    """Play an entry.

    Parameters:
        stack: runs.
        view: is told what happens.

    Raises:
        ScenarioError: the DAG did not come up or did not end well.
        WrongResultError: it ended well, and its result is wrong.
        ComponentError: a process of the stack ended.
    """
    wait_for_dag(stack, entry.dag_id)
    land(stack, entry.inputs())
    since = datetime.now(timezone.utc)
    run = stack.airflow.trigger(entry.dag_id, entry.conf)
    view.say(f"DAG run {run.run_id} of {entry.dag_id} is started")
    run, _ = follow(stack, view, entry.dag_id, run, since, entry.seconds)
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
