"""Jinja that would be taken for a part of a blob's name, found where the DAG is parsed.

What is joined to a reference by ``/`` is a name, often one from outside, and must not be rendered. In a graph
that is written in the DAG file nothing is from outside: braces there are meant as Jinja.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef, is_template

if TYPE_CHECKING:
    from airflow_batch_provider.spec.task import TaskSpec

__all__ = ["refuse_literal_jinja"]


def refuse_literal_jinja(specs: Iterable[TaskSpec]) -> None:
    """Check the tasks of a graph that is written in the DAG file.

    Raises:
        SpecError: a blob's name has Jinja that nobody renders.
    """
    for spec in specs:
        for what, ref in _references(spec):
            if ref.template is None and is_template(ref.name):
                raise SpecError(
                    f"the Jinja in the blob's name {ref.name!r} was joined to it by '/' and is not rendered",
                    where=f"{spec.where}, {what}",
                    right=f"Write it into the reference: blob({str(ref)!r}).",
                )


def _references(spec: TaskSpec) -> Iterator[tuple[str, BlobRef]]:
    common = spec.multi_instance.common_inputs.items() if spec.multi_instance else ()
    for path, source in (*spec.inputs, *common):
        if isinstance(source, BlobRef):
            yield f"input {path!r}", source
    for output in spec.outputs:
        if output.destination is not None:
            yield f"output {output.pattern!r}", output.destination
