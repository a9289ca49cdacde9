"""How type checkers see an operator's output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


class TypedOutput:
    """An operator whose output goes into whatever takes the value that it will be.

    Airflow types it by what it is when the DAG is parsed, an ``XComArg``, which no annotated function of
    ``@task`` would take.
    """

    if TYPE_CHECKING:

        @property
        def output(self) -> Any:
            """The XCom that this task will leave."""
