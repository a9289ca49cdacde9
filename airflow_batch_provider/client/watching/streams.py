"""Reading what tasks write to stdout and stderr: the end of it, or what is new since the last look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from airflow_batch_provider.client.requests.job_requests import backoff, in_motion, list_tasks
from airflow_batch_provider.client.requests.printed import TAIL_BYTES, last_lines, shortened, text_of
from airflow_batch_provider.client.requests.records import TASK_FIELDS, TaskView, task_view
from airflow_batch_provider.client.requests.steps import Answer, Pause, Refusal, Say, Script, Send, Together
from airflow_batch_provider.client.watching.log_lines import read_line

STREAMS = ("stdout.txt", "stderr.txt")

FOLLOWED = 20
"""Tasks of a job whose output is followed at most; more would drown the log, and cost two calls each look."""

CHUNK_BYTES = 64 * 1024
"""Read of one file in one look at most: a task that writes faster is read on in the next looks."""

LAST_CHUNKS = 8
"""Looks that the rest of a finished task's file is read in at most: half a megabyte beyond what was read."""

LAST_TRIES = 3
"""Of reading it, when the service does not answer: what is not read then is taken from storage."""

READ, UNREAD = 1, 0
"""How it went with the output of a task that has ended: all of it was read, or its end could not be."""


def read_range(job_id: str, task_id: str, name: str, start: int, length: int) -> Send:
    """Ask for a part of a task's file. The service answers 200 with the part, also if the file is shorter."""
    headers = {"ocp-range": f"bytes={start}-{start + length - 1}", "Accept": "application/octet-stream"}
    return Send("GET", _file(job_id, task_id, name), headers=headers)


def _file(job_id: str, task_id: str, name: str) -> str:
    return f"/jobs/{job_id}/tasks/{task_id}/files/{name}"


def read_tail(job_id: str, task_id: str, name: str) -> Script[str | None]:
    """The last lines of a task's stream; None when the node or the file is not there any more."""
    try:
        properties: Answer = yield Send("HEAD", _file(job_id, task_id, name))
        if properties.length == 0:
            return ""
        start = max(0, properties.length - TAIL_BYTES)
        answer: Answer = yield read_range(job_id, task_id, name, start, TAIL_BYTES)
    except Refusal:
        return None
    return last_lines(answer.body, name, whole=start == 0)


@dataclass
class Followed:
    """How far the output of one task was read.

    Parameters:
        offsets: of stdout and stderr, in bytes.
        end: how its end was read, once the task has ended: ``READ`` or ``UNREAD``.
    """

    offsets: list[int] = field(default_factory=lambda: [0, 0])
    end: int | None = None

    @property
    def done(self) -> bool:
        """Whether it is looked at no more."""
        return self.end is not None


class Follower:
    """Follows the output of a job's running tasks, some of them.

    Parameters:
        job_id: the job.
        which: True for all tasks, or beginnings of task ids.
        seen: how far it was read earlier, as :meth:`state` gave it.
    """

    def __init__(
        self, job_id: str, which: bool | Sequence[str], seen: Mapping[str, Sequence[int]] | None = None
    ) -> None:
        self.job_id = job_id
        self._prefixes = None if isinstance(which, bool) else tuple(which)
        self._wanted = bool(which)
        self._told_of_limit = False
        self._since = ""
        self._tasks = {
            task_id: Followed([out, err], *end) for task_id, (out, err, *end) in (seen or {}).items()
        }

    def state(self) -> dict[str, list[int]]:
        """How far everything was read, as plain data: two offsets, and how its end was read if it is done."""
        return {
            task_id: [*followed.offsets, *([] if followed.end is None else [followed.end])]
            for task_id, followed in self._tasks.items()
        }

    @property
    def active(self) -> bool:
        """Whether there is, or may come, something to say."""
        return self._wanted and (not self._full or bool(self._reading))

    @property
    def _full(self) -> bool:
        return len(self._tasks) >= FOLLOWED

    @property
    def _reading(self) -> list[str]:
        return [task_id for task_id, followed in self._tasks.items() if not followed.done]

    def look(self) -> Script[None]:
        """Say what the tasks have written since the last look. Whatever goes wrong, no task fails of it."""
        if not self.active:
            return
        try:
            # A page holds more tasks than are followed.
            fields = (*TASK_FIELDS, "stateTransitionTime")
            listed = yield from list_tasks(self.job_id, where=self._filter(), select=fields, whole=False)
            self._since = max([self._since, *(str(item.get("stateTransitionTime") or "") for item in listed)])
            views = [task_view(item) for item in listed]
            for view in self._followed(views):
                yield from self._read(view)
            if self._full and not self._told_of_limit:
                self._told_of_limit = True
                yield Say(
                    f"The output of the first {FOLLOWED} tasks is shown here; that of the others is on their "
                    "nodes, and in storage where keep_logs=True has it kept"
                )
        except Refusal:
            return

    def follow(self, view: TaskView) -> Script[None]:
        """Say what one task has written since it was last followed; whatever goes wrong, it does not fail."""
        if not self.active:
            return
        try:
            for followed in self._followed([view]):
                yield from self._read(followed)
        except Refusal:
            return

    def _filter(self) -> str:
        if self._full:
            ids = " or ".join(f"id eq '{task_id}'" for task_id in self._reading)
            return f"{in_motion()} and ({ids})"
        # Tasks that completed before the last look were read to their end: the list stays short.
        kinds = in_motion(self._since)
        if not self._prefixes:
            return kinds
        starts = " or ".join(f"startswith(id,'{prefix}')" for prefix in self._prefixes)
        return f"{kinds} and ({starts})"

    def _followed(self, views: Iterable[TaskView]) -> Iterable[TaskView]:
        for view in views:
            if view.id not in self._tasks and self._full:
                continue
            if view.completed and view.node_id is None:
                continue
            if not self._tasks.setdefault(view.id, Followed()).done:
                yield view

    def _read(self, view: TaskView) -> Script[None]:
        followed = self._tasks[view.id]
        tries = 0
        for _ in range(LAST_CHUNKS if view.completed else 1):
            # With the byte before, which tells whether this is the rest of a line.
            begins = [max(0, offset - 1) for offset in followed.offsets]
            calls = [
                read_range(self.job_id, view.id, name, begin, CHUNK_BYTES)
                for name, begin in zip(STREAMS, begins, strict=True)
            ]
            answers = yield Together(calls)
            full, waits = False, []
            for at, answer in enumerate(answers):
                if isinstance(answer, Refusal):
                    waits += [backoff(tries, answer.retry_after)] if answer.transient else []
                    continue
                more = len(answer.body) == CHUNK_BYTES
                full = full or more
                known = followed.offsets[at] - begins[at]
                taken, lines = whole_lines(answer.body, known, final=view.completed and not more)
                followed.offsets[at] += taken
                yield from say_lines(view.id, STREAMS[at], lines)
            tries += bool(waits)
            if waits and view.completed and tries < LAST_TRIES:
                yield Pause(max(waits))
            elif not full:
                break
        if view.completed:
            followed.end = UNREAD if any(map(_hides_something, answers)) else READ


def _hides_something(answer: Answer | Refusal) -> bool:
    """Whether a file was not read that may be there, or has been: not one without anything to read."""
    return isinstance(answer, Refusal) and answer.code != "FileNotFound" and answer.status != 416


def say_lines(task_id: str, name: str, lines: Iterable[str]) -> Iterator[Say]:
    """Lines of a task's stream as the log shows them."""
    for level, line in map(read_line, lines):
        yield Say(f"[{task_id}] {shortened(line, name)}", level)


def whole_lines(data: bytes, known: int = 0, *, final: bool) -> tuple[int, list[str]]:
    """Take the complete lines of what was read, and the beginning of one that is longer than a reading.

    Parameters:
        data: what was read.
        known: how many bytes of it were taken before. Where those end within a line, its beginning was taken
            then, and its rest is passed over.
        final: whether nothing will follow, so that a line without an end is complete.

    Returns:
        How many further bytes were taken, and the lines.
    """
    inside = known > 0 and data[known - 1 : known] != b"\n"
    end = data.rfind(b"\n", known) + 1
    if final or (end == 0 and (inside or len(data) >= CHUNK_BYTES)):
        end = len(data)
    end = max(end, known)
    start = (data.find(b"\n", known, end) + 1 or end) if inside else known
    return end - known, text_of(data[start:end]).splitlines()
