"""Reading what a task leaves for Airflow: a file of JSON."""

from __future__ import annotations

import json
from typing import Any

from airflow_batch_provider.exceptions import BatchResultError
from airflow_batch_provider.spec.explain import Explanation


def parse_result(data: bytes, name: str, task_id: str, limit: int) -> Any:
    """Read a task's result.

    Parameters:
        data: what is in the file, or a byte more of it than the limit.
        name: of the file.
        task_id: the task that left it.
        limit: in bytes.

    Raises:
        BatchResultError: larger than the limit, or no JSON.
    """
    if len(data) > limit:
        raise BatchResultError(
            _text(
                f"the result {name!r} of task {task_id!r} has more than {limit:,} bytes",
                "Data were written to it; a result goes through Airflow's database.",
                "Write the data to a blob and only its name to the result",
            )
        )
    try:
        return json.loads(data, parse_constant=_no_json)
    except ValueError as error:
        raise BatchResultError(
            _text(
                f"the result {name!r} of task {task_id!r} is no JSON ({error})",
                "The program writes another format, or nothing.",
                "Write JSON to the file",
            )
        ) from None


def no_result(name: str, task_id: str, place: str) -> BatchResultError:
    """A task that ended well left no result.

    Parameters:
        name: of the file, in the task's working directory.
        task_id: the task.
        place: ``container/name`` where it should be.
    """
    return BatchResultError(
        _text(
            f"task {task_id!r} left no {name!r}, which is its result: there is no {place}",
            "The program wrote it elsewhere than in its working directory, or under another name; or the "
            "blob was deleted.",
            f"Compare result={name!r} with the files that the command writes; fileuploadout.txt of the task "
            "says what was uploaded",
        )
    )


def _no_json(constant: str) -> None:
    """Python's own JSON takes these; databases do not.

    :raises ValueError: always.
    """
    raise ValueError(f"{constant} is no value of JSON; null is")


def _text(happened: str, cause: str, next_step: str) -> str:
    again = "then clear the Airflow task, which runs it anew: a mere retry would read the same."
    return str(Explanation(f"{happened[0].upper()}{happened[1:]}.", cause, f"{next_step}; {again}"))
