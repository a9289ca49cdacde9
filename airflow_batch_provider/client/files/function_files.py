"""What a function and its node hand each other by blobs: the call, and what became of it."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_batch_provider import node
from airflow_batch_provider.exceptions import (
    BatchFunctionError,
    BatchFunctionHopelessError,
    BatchFunctionSkipError,
)
from airflow_batch_provider.node import run_function
from airflow_batch_provider.node.run_function import (
    FAIL,
    OUTCOME,
    PAYLOAD,
    REFERENCE,
    RESULT,
    SKIP,
    unwritable,
)
from airflow_batch_provider.spec.compile import WorkArea
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef, Source, blob
from airflow_batch_provider.spec.function_source import FunctionSource

if TYPE_CHECKING:
    from airflow_batch_provider.client.files.storage import StorageAccess

SCRIPT = "run_function.py"
"""What a task runs, with the Python of its node."""

_NODE_MODULE = "airflow_batch_provider/node/__init__.py"
"""What a function can import there, by its path in the task's working directory."""

_OUTCOME_BYTES = 4_000_000
_LARGEST = 2_000_000_000
"""Bytes of a result that is read into a worker's memory at most."""

REFERENCES_AT_MOST = 500
"""In the arguments of one call: each is a file that the service hands to the task."""


def check_serializer(serializer: str, where: str) -> None:
    """See whether a serializer is installed here.

    Raises:
        SpecError: it is not.
    """
    if find_spec(serializer) is None:
        raise SpecError(
            f"serializer is {serializer!r}, which this Airflow worker has not installed ({sys.executable})",
            where=where,
            right=f"Install the package {serializer!r} for the workers. The node needs it as well: it gets "
            "it with requirements; without, its image must have it.",
        )


@dataclass(frozen=True)
class FunctionCall:
    """A function and what it is called with.

    Parameters:
        source: the function.
        args, kwargs: its arguments, rendered.
        serializer: name of the module by which arguments, result and exception are written.
        requirements: packages to install on the node.
        python_version: of Python on the node; None: the node's own.
    """

    source: FunctionSource
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    serializer: str
    requirements: Sequence[str]
    python_version: str | None

    def places(self) -> dict[str, str]:
        """Where on the node the results are put that arguments refer to, by the names of their blobs."""
        found = dict.fromkeys(references_in([self.args, self.kwargs]))
        return {location: f"results/{number}" for number, location in enumerate(found)}

    def payload(self) -> bytes:
        """What the node reads.

        Raises:
            BatchFunctionHopelessError: an argument cannot be written by the serializer.
        """
        dumps = import_module(self.serializer).dumps
        try:
            arguments = dumps((tuple(self.args), dict(self.kwargs)))
        except Exception as error:
            raise self._refusal(dumps, error) from error
        whole = {
            "name": self.source.name,
            "source": self.source.source,
            "file": self.source.file,
            "line": self.source.line,
            "arguments": base64.b64encode(arguments).decode(),
            "serializer": self.serializer,
            "requirements": list(self.requirements),
            "python_version": self.python_version,
            "python": ".".join(map(str, sys.version_info[:3])),
            "results": self.places(),
            "modules": {_NODE_MODULE: Path(node.__file__).read_text("utf-8")},
        }
        return json.dumps(whole).encode()

    def _refusal(self, dumps: Callable[[Any], bytes], error: Exception) -> BatchFunctionHopelessError:
        """What to say of the first argument that cannot be written."""
        for what, value in self._named():
            try:
                dumps(value)
            except Exception as own:
                text = unwritable(self.serializer, dumps, value, what, own)
                break
        else:
            text = unwritable(self.serializer, dumps, self.args, "all arguments", error)
        return BatchFunctionHopelessError(f"The function {self.source.name!r} was not called.\n{text}")

    def _named(self) -> Iterator[tuple[str, Any]]:
        (definition,) = ast.parse(self.source.source).body
        assert isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef))
        parameters = definition.args
        names = [each.arg for each in (*parameters.posonlyargs, *parameters.args)]
        for number, value in enumerate(self.args):
            yield f"argument {names[number]!r}" if number < len(names) else f"argument {number + 1}", value
        for name, value in self.kwargs.items():
            yield f"argument {name!r}", value


def references_in(value: Any) -> Iterator[str]:
    """Locations of the results that arguments refer to."""
    if isinstance(value, Mapping):
        if isinstance(location := value.get(REFERENCE), str):
            yield location
        else:
            for held in value.values():
                yield from references_in(held)
    elif isinstance(value, (list, tuple)):
        for held in value:
            yield from references_in(held)


def result_at(location: str, container: str) -> BlobRef:
    """The blob of a result. It is unpickled, so that it must be where results are, and nowhere else.

    Parameters:
        location: as a reference gives it, which may have come from outside with a run's parameters.
        container: the work container.

    Raises:
        SpecError: it is another place.
    """
    place = blob(location)
    if place.account_url is not None or place.container != container or not place.name.endswith(f"/{RESULT}"):
        raise SpecError(
            f"{location!r} is no result in container {container!r}",
            where="reference to a large result",
            right="Results are read from work_container alone: use the same one for all functions.",
        )
    return place


def send_call(storage: StorageAccess, container: str, folder: str, call: FunctionCall) -> dict[str, Source]:
    """Put script and payload into the work area. Their names follow from what is in them, so that doing it
    again after a crash changes nothing.

    Parameters:
        storage: the account.
        container: the work container; created if it is not there.
        folder: beginning of the names.
        call: what is to be called.

    Returns:
        What the node needs, by path in the task's working directory.

    Raises:
        SpecError: the arguments refer to too many results, or to something else.
        BatchRequestError: storage refused.
    """
    sources: dict[str, Source] = {
        place: result_at(location, container) for location, place in call.places().items()
    }
    if len(sources) > REFERENCES_AT_MOST:
        raise SpecError(
            f"its arguments refer to {len(sources)} large results",
            where=f"function {call.source.name!r}",
            right=f"A task is given {REFERENCES_AT_MOST} at most: merge them in steps.",
        )
    script = Path(run_function.__file__).read_bytes()
    with storage.explained():
        storage.ensure_container(container)
        for path, data in ((PAYLOAD, call.payload()), (SCRIPT, script)):
            mark = hashlib.sha256(data).hexdigest()[:16]
            name = f"{folder}/{mark}/{path}"
            storage.upload_blob(container, name, data)
            sources[path] = BlobRef(container, name)
    return sources


@dataclass(frozen=True)
class FunctionOutcome:
    """What became of a function.

    Parameters:
        location: ``container/name`` of its result.
        told: what the node wrote of it.
    """

    location: str
    told: Mapping[str, Any]

    @property
    def returned(self) -> bool:
        """Whether it returned."""
        return bool(self.told["state"] == "returned")

    @property
    def reference(self) -> dict[str, Any]:
        """Plain data that stands for the result."""
        return {
            REFERENCE: self.location,
            "bytes": self.told["bytes"],
            "serializer": self.told["serializer"],
            "python": self.told["python"],
        }

    def error(self) -> BaseException:
        """The exception to raise: the function's own where it can be had here."""
        told = self.told
        if told["state"] == "not prepared":
            text = f"The function was not called on its node.\n{told['message']}"
            return BatchFunctionError(text, type_name=str(told["type"]))
        if told["state"] == "not kept":
            text = f"The function ended well on its node, and its result is lost.\n{told['message']}"
            return BatchFunctionHopelessError(text, type_name=str(told["type"]))
        remote = BatchFunctionError(
            f"{told['type']}: {told['message']}\n\n"
            f"On the node (Python {told['python']}):\n{told['traceback']}",
            type_name=str(told["type"]),
        )
        kinds = told.get("kinds", ())  # not told by an older version, whose task may run on past an upgrade
        if SKIP in kinds:
            return BatchFunctionSkipError(
                told["message"] or "the function says so", type_name=str(told["type"])
            )
        if FAIL in kinds:
            return BatchFunctionHopelessError(str(remote), type_name=str(told["type"]))
        own = self._own()
        if own is None:
            return remote
        try:
            raise remote  # A log shows no cause that was never raised.
        except BatchFunctionError as cause:
            own.__cause__ = cause
        return own

    def _own(self) -> Exception | None:
        if not self.told.get("exception"):
            return None
        try:
            serializer = import_module(str(self.told["serializer"]))
            found = serializer.loads(base64.b64decode(self.told["exception"]))
        except Exception:  # its class is not here, or is another here: its text tells all the same
            return None
        # An exit of the function's is none of the worker's.
        return found if isinstance(found, Exception) else None


def read_outcome(storage: StorageAccess, container: str, job_id: str, task_id: str) -> FunctionOutcome | None:
    """What the node told of a function; None when it told nothing."""
    from azure.core.exceptions import ResourceNotFoundError

    area = WorkArea(container, job_id).of(task_id)
    with storage.explained():
        try:
            data = storage.read_blob(container, (area / OUTCOME).name, _OUTCOME_BYTES)
        except ResourceNotFoundError:
            return None
    return FunctionOutcome(str(area / RESULT), json.loads(data)) if data else None


def read_result(storage: StorageAccess, container: str, reference: Mapping[str, Any]) -> Any:
    """The result that a reference stands for.

    Raises:
        SpecError: it is not in the work container.
        BatchFunctionError: it cannot be read in this Python.
    """
    place = result_at(str(reference[REFERENCE]), container)
    with storage.explained():
        data = storage.read_blob(place.container, place.name, _LARGEST)
    try:
        return import_module(str(reference["serializer"])).loads(data)
    except Exception as error:
        raise BatchFunctionError(
            f"The function's result cannot be read in Python {'.'.join(map(str, sys.version_info[:3]))}; it "
            f"was written by {reference['serializer']} in Python {reference.get('python')} "
            f"({type(error).__name__}: {error}).\n"
            "Likely cause: it is of a class that is not installed here, or of another version.\n"
            "Next step: return plain values, install the package here too, or name python_version.",
            type_name=f"{type(error).__module__}.{type(error).__qualname__}",
        ) from error
