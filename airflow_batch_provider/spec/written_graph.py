"""What a graph that is written in the DAG file must not hold; one that a function makes in the worker may.

What is joined to a reference by ``/`` is a name, often one from outside, and must not be rendered. In a graph
that is written in the DAG file nothing is from outside: braces there are meant as Jinja. And whoever can read
the DAG can read a secret in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef, is_template
from airflow_batch_provider.spec.signatures import has_signature
from airflow_batch_provider.spec.template_syntax import check_templates

if TYPE_CHECKING:
    from airflow_batch_provider.spec.task import TaskSpec

__all__ = ["check_written_graph"]


def check_written_graph(specs: Iterable[TaskSpec]) -> None:
    """Check the tasks of a graph that is written in the DAG file.

    Raises:
        SpecError: a blob's name has Jinja that nobody renders, the URL of an input carries a SAS, or there is
            Jinja that cannot be read.
    """
    for spec in specs:
        check_templates(spec.command, f"{spec.where}, command")
        check_templates(spec.display_name, f"{spec.where}, display_name")
        for name, value in spec.environment:
            check_templates(value, f"{spec.where}, {name} in environment")
        for what, file in _files(spec):
            place = f"{spec.where}, {what}"
            _check(file, where=place)
            check_templates(file, place)


def _check(file: object, where: str) -> None:
    if isinstance(file, BlobRef) and file.template is None and is_template(file.name):
        raise SpecError(
            f"the Jinja in the blob's name {file.name!r} was joined to it by '/' and is not rendered",
            where=where,
            right=f"Write it into the reference: blob({str(file)!r}).",
        )
    if isinstance(file, str) and has_signature(file):
        url = urlsplit(file)
        raise SpecError(
            f"the URL of {url.hostname}{url.path} carries a SAS, which all who see the DAG can use",
            where=where,
            right="Write blob('container/name') for what is in the storage account of the connection. Keep "
            "the URL of a foreign file in an Airflow Variable: '{{ var.value.its_url }}'.",
        )


def _files(spec: TaskSpec) -> Iterator[tuple[str, object]]:
    common = spec.multi_instance.common_inputs.items() if spec.multi_instance else ()
    for path, source in (*spec.inputs, *common):
        yield f"input {path!r}", source
    for output in spec.outputs:
        yield f"output {output.pattern!r}", output.destination
