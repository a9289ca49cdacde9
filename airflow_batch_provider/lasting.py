"""What is declared wrong and is found only in the worker: no retry can change it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from airflow_batch_provider.airflow_exceptions import AirflowFailException
from airflow_batch_provider.exceptions import BatchSpecError, BatchTemplateError
from airflow_batch_provider.spec.errors import SpecError

Method = TypeVar("Method", bound=Callable[..., Any])


def lasting(method: Method) -> Method:
    """Let a method of an operator end its task for good by a ``SpecError``.

    What the task has begun is ended too, as by any other error that Airflow does not retry: nobody comes back
    to it, and a job that waits for tasks that cannot be made would never end.

    Parameters:
        method: ``execute``, or what goes on after a wait.

    Returns:
        The same, which raises ``BatchSpecError`` instead: Airflow does not retry it.
    """

    @functools.wraps(method)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except AirflowFailException:
            self.on_kill()
            raise
        except BatchTemplateError:
            raise
        except SpecError as error:
            self.on_kill()
            raise BatchSpecError(error.what, where=error.where, right=error.right) from error

    return cast("Method", run)
