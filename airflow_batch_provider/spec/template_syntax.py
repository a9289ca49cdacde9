"""Whether Jinja can be read, looked at when the DAG is parsed: Airflow renders it only in the worker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache

from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef, is_template

_PARTS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|\{[{%#].*", re.DOTALL)


def jinja_of(text: str) -> str:
    """What of a text is Jinja, as it is shown: what stands around it may be a secret."""
    return " ".join(_PARTS.findall(text))


def check_templates(value: object, where: str) -> None:
    """Check the Jinja of a text, or of all texts in lists, mappings and records.

    Parameters:
        value: what Airflow will render.
        where: the task and the argument.

    Raises:
        SpecError: Jinja that cannot be read.
    """
    for text in _texts(value):
        # Reading is slow, and the tasks of a fan-out differ in what is no Jinja. Where braces are in its
        # quotes, only the whole text tells.
        if is_template(text) and _fault(jinja_of(text)) and (fault := _fault(text)):
            raise unreadable(text, fault, where)


def unreadable(text: str, fault: str, where: str | None = None) -> SpecError:
    """The error of Jinja that cannot be read.

    Parameters:
        text: the template.
        fault: what Jinja says.
        where: the task and the argument, as far as they are known.
    """
    return SpecError(
        f"the template {jinja_of(text)} cannot be read: {fault}",
        where=where,
        right="Write a value as '{{ ds }}'. Braces that are no Jinja are written as "
        "'{% raw %}...{% endraw %}'.",
    )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, BlobRef):
        yield value.template or ""
    elif isinstance(value, Mapping):
        for key, held in value.items():
            yield from _texts(key)
            yield from _texts(held)
    elif isinstance(value, (list, tuple)):
        for held in value:
            yield from _texts(held)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts(getattr(value, field.name))


@lru_cache(maxsize=256)
def _fault(text: str) -> str:
    """What hinders Jinja; empty: nothing. A tag that it does not know may be one of the DAG's extensions."""
    from jinja2 import Environment, TemplateSyntaxError  # Here, for DAGs without Jinja.

    try:
        Environment().parse(text)  # noqa: S701 - nothing is rendered
    except TemplateSyntaxError as error:
        fault = error.message or "no reason is told"
        return "" if fault.startswith("Encountered unknown tag") else fault
    return ""
