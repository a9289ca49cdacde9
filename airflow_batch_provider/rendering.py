"""Rendering Jinja in the texts of a specification."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.exceptions import BatchTemplateError
from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.files import is_template
from airflow_batch_provider.spec.template_syntax import jinja_of, unreadable

if TYPE_CHECKING:
    from airflow.sdk import Context

_CHANGING = re.compile(r"\b(ti|task_instance|var|conn|asset_state_store|task_state_store)\b")
"""What of the context may have by a later try what it has not got in this one."""

_OF_LOGICAL_DATE = re.compile(r"(prev_|next_)?(ds|ts)(_no\w+)?|(prev_)?(logical_date|data_interval_)\w*")


def text_renderer(operator: Any, context: Context) -> Callable[[str], str]:
    """A function that renders a text by Airflow's templates, always to text.

    A DAG with ``render_template_as_native_obj`` would turn a command of digits into a number and JSON into a
    dict; here a command stays what was written. Text without Jinja is not touched at all.

    Parameters:
        operator: the running operator.
        context: its template context.

    The function raises:
        SpecError: the text cannot be read as Jinja, or names something that this run will never have.
        BatchTemplateError: it names something that is not there yet.
    """
    from jinja2 import TemplateSyntaxError, UndefinedError

    environment = _plain(operator.get_template_env())

    def render(text: str) -> str:
        try:
            return str(environment.from_string(text).render(**context)) if is_template(text) else text
        except TemplateSyntaxError as error:
            raise unreadable(text, error.message or "no reason is told") from None
        except UndefinedError as error:
            raise _missing(jinja_of(text), error.message or "", context) from None

    return render


def _missing(template: str, said: str, context: Mapping[str, Any]) -> SpecError:
    kind = BatchTemplateError if _CHANGING.search(template) else SpecError
    name = said.split("'")[-2] if "'" in said else said
    right = _near(template, name, context) or "Look for a misspelling, or for what this run was not given."
    if _OF_LOGICAL_DATE.fullmatch(name):
        right = (
            "This run has no logical date, such as one that an asset has started. Name what each run has, "
            "such as {{ run_id }} or {{ dag_run.run_after }}."
        )
    return kind(f"the template {template} cannot be rendered: {said}", right=right)


def _near(template: str, name: str, context: Mapping[str, Any]) -> str:
    """What may have been meant: a name of the context, or of what the name was looked for in."""
    found = re.search(rf"(\w+)(?:\.|\[['\"]){re.escape(name)}\b", template)
    held = context.get(found[1]) if found else context
    known: Iterable[Any] = held if isinstance(held, Mapping) else dir(held)
    return nearest(name, map(str, known))


def as_texts(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Names and values of which numbers have become texts again.

    A DAG with ``render_template_as_native_obj`` has made a number of every text of digits.

    Parameters:
        values: a rendered mapping; None: an empty one.
    """
    return {
        name: str(value) if isinstance(value, (int, float)) else value
        for name, value in (values or {}).items()
    }


def _plain(environment: Any) -> Any:
    from jinja2.nativetypes import NativeEnvironment
    from jinja2.sandbox import SandboxedEnvironment

    if not isinstance(environment, NativeEnvironment):
        return environment
    plain = SandboxedEnvironment(undefined=environment.undefined, loader=environment.loader)
    plain.filters.update(environment.filters)
    plain.globals.update(environment.globals)
    return plain
