"""What followers could not read on a node that is gone is read from its copy."""

from __future__ import annotations

from typing import Any

from airflow_batch_provider.client.jobs.unread_output import unread_output
from airflow_batch_provider.client.watching.streams import READ, UNREAD

COPIES = {
    ("begun", "stdout.txt"): b"first\nsecond\nRESULT=42",
    ("begun", "stderr.txt"): b"",
    ("unseen", "stdout.txt"): b"hi\n",
    ("unseen", "stderr.txt"): b'{"level": "error", "message": "no disk"}\n',
    ("read", "stdout.txt"): b"all of it\n",
    ("read", "stderr.txt"): b"",
}


class Files:
    def copy_of(self, job_id: str, task_id: str, stream: str, start: int) -> bytes | None:
        copy = COPIES.get((task_id, stream))
        return None if copy is None else copy[start:]


def told(seen: dict[str, list[int]], files: Any = None) -> list[tuple[str, str]]:
    return [(said.level, said.text) for said in unread_output(files, "j", seen)]


def test_it_goes_on_where_following_has_stopped() -> None:
    assert told({"begun": [6, 0, UNREAD], "read": [0, 0, READ], "runs": [0, 0]}, Files()) == [
        ("info", "[begun] second"),
        ("info", "[begun] RESULT=42"),
    ]


def test_of_a_task_that_was_never_read_all_is_shown_with_its_levels() -> None:
    assert told({"unseen": [0, 0, UNREAD]}, Files()) == [
        ("info", "[unseen] hi"),
        ("error", "[unseen] no disk"),
    ]


def test_without_a_copy_one_line_names_the_tasks() -> None:
    seen = {"a": [0, 0, UNREAD], "b": [3, 0, UNREAD]}
    for files in (None, Files()):
        ((_, line),) = told(seen, files)
        assert line.startswith("The end of the output of a, b is not shown: ")
        assert "storage has no copy" in line
