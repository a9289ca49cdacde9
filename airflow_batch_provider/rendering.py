"""Rendering Jinja in the texts of a specification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.spec.files import is_template

if TYPE_CHECKING:
    from airflow.sdk import Context


def text_renderer(operator: Any, context: Context) -> Callable[[str], str]:
    """A function that renders a text by Airflow's templates, always to text.

    A DAG with ``render_template_as_native_obj`` would turn a command of digits into a number and JSON into a
    dict; here a command stays what was written. Text without Jinja is not touched at all.

    Parameters:
        operator: the running operator.
        context: its template context.
    """
    environment = _plain(operator.get_template_env())

    def render(text: str) -> str:
        return str(environment.from_string(text).render(**context)) if is_template(text) else text

    return render


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
