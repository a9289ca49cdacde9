"""Outputs of which nothing is in storage, though their tasks did well.

To Azure Batch a pattern that matches no file is no error (*Persist output with the service API*).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from airflow_batch_provider.spec.explain import Explanation
from airflow_batch_provider.spec.files import BlobRef, Output
from airflow_batch_provider.spec.patterns import matches
from airflow_batch_provider.spec.task import TaskSpec

LOOKED_FOR = 20
"""Outputs of a job, each by one request: a pattern that is wrong is wrong for all tasks of a fan-out."""


def expected(specs: Iterable[TaskSpec]) -> Iterator[tuple[TaskSpec, Output]]:
    """The first outputs that tasks which end well are to leave.

    Parameters:
        specs: the tasks.
    """
    return islice(
        (
            (spec, output)
            for spec in specs
            for output in spec.outputs
            # The standard streams are always there; what a variable stands for is known on the node alone.
            if output.when != "failure" and not output.pattern.startswith("../") and "$" not in output.pattern
        ),
        LOOKED_FOR,
    )


def is_among(output: Output, work: BlobRef, names: Iterable[str]) -> bool:
    """Whether something of an output is in storage.

    Parameters:
        output: the output.
        work: the task's work area.
        names: of the blobs at its target, or below it.
    """
    target = output.target(work)
    if not target.is_prefix:
        return target.name in names
    if output.destination is not None:
        return next(iter(names), None) is not None
    return any(matches(output.pattern, name.removeprefix(work.name)) for name in names)


def absence(task_id: str, pattern: str) -> str:
    """That an output is missing, as a message.

    Parameters:
        task_id: the task that was to leave it.
        pattern: of its files.
    """
    return str(
        Explanation(
            f"Task {task_id} succeeded, and nothing of its output {pattern!r} is in storage.",
            "The pattern matches no file of its working directory; a leading dot must be spelled.",
            "Compare the pattern with the files that the command writes; fileuploadout.txt of the task says "
            "what was uploaded.",
        )
    )
