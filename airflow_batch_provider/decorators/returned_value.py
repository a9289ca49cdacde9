"""What a function's return value is as an XCom: itself, or a reference to the blob that it stays in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.exceptions import BatchFunctionError

if TYPE_CHECKING:
    from airflow_batch_provider.client.files.function_files import FunctionOutcome
    from airflow_batch_provider.client.files.storage import StorageAccess


def xcom_of(
    outcome: FunctionOutcome,
    storage: StorageAccess,
    container: str,
    *,
    xcom_bytes: int,
    multiple_outputs: bool,
    log: Any,
) -> Any:
    """Give what becomes the XCom of a function that returned.

    What is too large for XCom, of a kind that XCom does not know, or of a class that is not installed on the
    worker stays where it is: a function that runs on a node, and ``load_result``, get it all the same.

    Parameters:
        outcome: what became of the function.
        storage, container: where its result is.
        xcom_bytes: largest result, pickled, that becomes the XCom itself.
        multiple_outputs: each value of the result is an XCom, for which no reference can stand.
        log: takes the line that says why a result stays in its blob.

    Raises:
        BatchFunctionError: values of ``multiple_outputs`` that cannot be XComs.
    """
    from airflow_batch_provider.client.files.function_files import read_result

    if multiple_outputs:
        value = read_result(storage, container, outcome.reference)
        _check_outputs(value)
        return value
    why = f"has {outcome.told['bytes']} bytes"
    if outcome.told["bytes"] <= xcom_bytes:
        try:
            value = read_result(storage, container, outcome.reference)
        except BatchFunctionError as error:
            why = f"cannot be read on the worker ({error.__cause__})"
        else:
            refused = _refused(value)
            if refused is None:
                return value
            why = f"is {type(value).__name__}, which XCom does not take ({refused})"
    log.info("The result %s. It stays in %s; the XCom is a reference to it", why, outcome.location)
    return outcome.reference


def _check_outputs(value: Any) -> None:
    if not isinstance(value, Mapping):
        return  # Airflow says so itself
    for key, held in value.items():
        if (refused := _refused(held)) is not None:
            raise BatchFunctionError(
                f"The function returned {key!r}: {type(held).__name__}, which cannot be an XCom "
                f"({refused}).\n"
                "Likely cause: with multiple_outputs, which the annotation of a dict as the return value "
                "switches on as well, each value is an XCom of its own.\n"
                "Next step: write multiple_outputs=False, by which the whole stays in its blob, or return "
                "plain values."
            )


def _refused(value: Any) -> str | None:
    """Why Airflow's own XCom cannot hold a value. What another backend can hold shows when it stores."""
    from airflow.sdk.bases.xcom import BaseXCom
    from airflow.sdk.execution_time.xcom import XCom
    from msgspec import msgpack

    if XCom.serialize_value is not BaseXCom.serialize_value:
        return None
    try:
        # The worker hands XComs to its supervisor so, which takes neither an int of 65 bits nor half a
        # surrogate. A subclass of str and the like is taken there. That one sends JSON, in which there is
        # neither infinity nor NaN.
        written = BaseXCom.serialize_value(value)
        msgpack.encode(written, enc_hook=str)
        json.dumps(written, allow_nan=False, default=str)
    except Exception as error:  # whatever a class's own way of serialization raises
        return str(error).partition(". ")[0]
    return None
