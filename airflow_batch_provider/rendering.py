"""Rendering Jinja in the texts of a specification."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.exceptions import AzureBatchError
from airflow_batch_provider.spec.files import is_template

if TYPE_CHECKING:
    from airflow.sdk import Context

_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def text_renderer(operator: Any, context: Context) -> Callable[[str], str]:
    """A function that renders a text by Airflow's templates, always to text.

    A DAG with ``render_template_as_native_obj`` would turn a command of digits into a number and JSON into a
    dict; here a command stays what was written. Text without Jinja is not touched at all.

    Parameters:
        operator: the running operator.
        context: its template context.

    The function raises:
        AzureBatchError: the text names something that this run has not got, or not yet.
    """
    from jinja2 import UndefinedError

    environment = _plain(operator.get_template_env())

    def render(text: str) -> str:
        try:
            return str(environment.from_string(text).render(**context)) if is_template(text) else text
        except UndefinedError as error:
            # What stands around it may be a secret: the value of a variable, a URL with a SAS.
            template = " ".join(_EXPRESSION.findall(text))
            raise AzureBatchError(
                f"The template {template} cannot be rendered: {error.message}.\n"
                "Likely cause: this run has no such value. One without a logical date, as an asset starts "
                "it, has no ds, ts or data_interval_start.\n"
                "Next step: name what each run has, such as {{ run_id }} or {{ dag_run.run_after }}."
            ) from None

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
