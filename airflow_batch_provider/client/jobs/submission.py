"""Putting tasks into a job: in collections, each result checked, again as often as needed, each task once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from airflow_batch_provider.client.requests.drive import AT_ONCE
from airflow_batch_provider.client.requests.error_values import with_values
from airflow_batch_provider.client.requests.job_requests import ENDED, TRIES, backoff, patiently
from airflow_batch_provider.client.requests.request_errors import refused, request_error
from airflow_batch_provider.client.requests.steps import Call, Pause, Refusal, Say, Script, Together
from airflow_batch_provider.client.requests.too_large import too_large
from airflow_batch_provider.exceptions import BatchRequestError
from airflow_batch_provider.spec.limits import TASKS_PER_REQUEST

BODY_BYTES = 900_000
"""Of one request; the service takes 1 MB (Azure Batch: *Submit a large number of tasks*)."""

_CHUNKS_OF_A_ROUND = 5 * AT_ONCE
"""Of them ``AT_ONCE`` are under way at a time. With as few in a round, each would wait for the slowest."""

_SAY_EVERY = 2_000
Wire = dict[str, Any]


class _JobEnded(Exception):  # noqa: N818 - not an error: the outcome will tell
    pass


def add_tasks(job_id: str, tasks: Iterable[Wire]) -> Script[int | None]:
    """Add tasks to a job; one that is there already counts as added.

    Parameters:
        job_id: the job.
        tasks: wire models BatchTaskCreateOptions; taken as they are needed.

    Returns:
        How many are in now; None if the job has ended meanwhile, as it does when a task fails early.

    Raises:
        BatchRequestError: a task was refused, or the service kept failing.
        Refusal: the request as a whole was refused.
    """
    added = told = 0
    chunks = _chunks(iter(tasks))
    try:
        while batch := list(islice(chunks, _CHUNKS_OF_A_ROUND)):
            yield from _add(job_id, batch)
            added += sum(map(len, batch))
            if added - told >= _SAY_EVERY:
                told = added
                yield Say(f"{added:,} tasks submitted")
    except _JobEnded:
        return None
    return added


def _chunks(tasks: Iterator[Wire]) -> Iterator[list[Wire]]:
    chunk: list[Wire] = []
    size = 0
    for task in tasks:
        length = len(json.dumps(task))
        if chunk and (len(chunk) == TASKS_PER_REQUEST or size + length > BODY_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(task)
        size += length
    if chunk:
        yield chunk


@dataclass
class _Round:
    """What is left to do of chunks when all have been answered."""

    again: list[list[Wire]] = field(default_factory=list)
    split: bool = False
    refusal: Refusal | None = None
    wait: float | None = None

    def read(self, chunk: list[Wire], answer: Any) -> None:
        if not isinstance(answer, Refusal):
            if left := _left(chunk, answer):
                self.again.append(left)
        elif answer.code == "RequestBodyTooLarge" and len(chunk) > 1:
            half = len(chunk) // 2
            self.again += [chunk[:half], chunk[half:]]
            self.split = True
        else:
            self.again.append(_after_refusal(chunk, answer))
            self.refusal = answer
            self.wait = max(self.wait or 0.0, answer.retry_after or 0.0) or None


def _add(job_id: str, batch: Sequence[list[Wire]]) -> Script[None]:
    """Send chunks until all is in. As long as that gets on, a service that is busy is asked again."""
    waiting = list(batch)
    fruitless = 0
    while True:
        answers = yield Together([_call(job_id, chunk) for chunk in waiting])
        seen = _Round()
        for chunk, answer in zip(waiting, answers, strict=True):
            seen.read(chunk, answer)
        if not seen.again:
            return
        got_on = seen.split or sum(map(len, seen.again)) < sum(map(len, waiting))
        waiting = seen.again
        fruitless = 0 if got_on else fruitless + 1
        if fruitless == TRIES:
            break
        if not seen.split:
            yield Pause(backoff(fruitless, seen.wait))
    if seen.refusal is not None:
        raise seen.refusal
    yield from _one_by_one(job_id, waiting)


def _one_by_one(job_id: str, waiting: Sequence[list[Wire]]) -> Script[None]:
    """The last try with tasks that the service failed to add, so that the one to blame is named."""
    for task in (task for chunk in waiting for task in chunk):
        result = yield from patiently(_call(job_id, [task]))
        if _left([task], result):
            raise BatchRequestError(
                f"Azure Batch kept failing to add task {task['id']!r} to job {job_id}.\n"
                "Likely cause: a fault of the service.\n"
                "Next step: let Airflow retry; what is in the job already is not submitted twice.",
                code="servererror",
            )


def _call(job_id: str, chunk: Sequence[Wire]) -> Call:
    return Call("create_task_collection", (job_id, {"value": list(chunk)}))


def _after_refusal(chunk: list[Wire], refusal: Refusal) -> list[Wire]:
    if refusal.code in ENDED:
        raise _JobEnded
    if refusal.transient:
        return chunk
    if refusal.code == "RequestBodyTooLarge":
        raise too_large(chunk[0], refusal)
    raise refusal


def _left(chunk: Sequence[Wire], answer: Mapping[str, Any]) -> list[Wire]:
    """The tasks of a chunk that must be sent again. Results come in any order, and one may be missing."""
    results = {str(item["taskId"]).lower(): item for item in answer.get("value") or ()}
    left: list[Wire] = []
    for task in chunk:
        result = results.get(str(task["id"]).lower())
        status = str(result["status"]).lower() if result else "servererror"
        error = (result or {}).get("error") or {}
        code = str(error.get("code") or "")
        if status == "success" or code == "TaskExists":
            continue
        if code in ENDED:
            raise _JobEnded
        if status == "clienterror":
            text = str((error.get("message") or {}).get("value") or "").partition("\n")[0]
            values = ((item.get("key"), item.get("value")) for item in error.get("values") or ())
            raise _refused(str(task["id"]), code, with_values(text, values))
        left.append(task)
    return left


def _refused(task_id: str, code: str, text: str) -> BatchRequestError:
    meaning = request_error(code)
    return refused(
        code,
        400,
        f"Task {task_id!r} was not accepted: {meaning.happened} ({code}: {text}).\n"
        f"Likely cause: {meaning.cause}\nNext step: {meaning.next_step}",
    )
