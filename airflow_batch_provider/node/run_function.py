"""Runs one Python function on a compute node, and leaves what became of it in files.

This file is sent to the node as it is: Python 3.8 or newer, standard library only. (Newer syntax may be in
annotations alone, which are not evaluated.) It reads ``payload.json`` from its working directory, and writes
``outcome.json`` and, of a function that returned, ``result.bin``.
"""

from __future__ import annotations
import __future__

import asyncio
import base64
import contextlib
import importlib
import inspect
import io
import json
import linecache
import logging
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAYLOAD = "payload.json"
OUTCOME = "outcome.json"
RESULT = "result.bin"
REFERENCE = "azure_batch_result"
"""Key of the dictionary that stands for a result which is kept in a blob."""

SKIP = "AirflowSkipException"
FAIL = "AirflowFailException"
"""What a function raises to say how its task ends: known by name, whether Airflow is on the node or not."""

_ENVIRONMENT = ".function-environment"
_PREPARED = "AIRFLOW_BATCH_FUNCTION_PREPARED"
_EXCEPTION_BYTES = 1_000_000
_TEXT_LENGTH = 200_000
_PATH_LENGTH = 200


class NotPreparedError(Exception):
    """The function was not called: what it needs is not on this node."""


class NotKeptError(Exception):
    """The function returned, and its value cannot be written."""


_STATES: dict[type[BaseException], str] = {NotPreparedError: "not prepared", NotKeptError: "not kept"}


class _Output(io.TextIOWrapper):
    """stdout, of which it is known whether its last line has ended."""

    ended = True

    def write(self, text: str) -> int:
        _Output.ended = text.endswith("\n") if text else _Output.ended
        return super().write(text)


class _JsonLines(logging.Formatter):
    """A record a line of its own, so that whoever reads the output learns the level."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        line = json.dumps({"level": record.levelname.lower(), "logger": record.name, "message": text})
        return line if _Output.ended else "\n" + line


def main() -> int:
    """Run the function of the payload; gives the exit code."""
    sys.stdout = _Output(sys.stdout.buffer, sys.stdout.encoding, sys.stdout.errors, line_buffering=True)
    log = logging.StreamHandler(sys.stdout)
    log.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[log])
    for left in (OUTCOME, RESULT):  # by a run that its node has ended
        if os.path.exists(left):
            os.remove(left)
    payload = json.loads(Path(PAYLOAD).read_text("utf-8"))
    try:
        if _PREPARED not in os.environ and (payload["requirements"] or payload["python_version"]):
            python = prepared(payload["requirements"], payload["python_version"])
            os.environ[_PREPARED] = "1"
            sys.stdout.flush()
            os.execv(python, [python, os.path.abspath(__file__)])  # noqa: S606 - no shell is wanted
        with _used_told():
            value = returned(payload)
        return _keep(payload, value)
    except BaseException as error:  # whatever it is, Airflow is to learn of it
        if isinstance(error, SystemExit) and not error.code:
            return _keep(payload, None)
        outcome = _raised(payload, error)
        skipped = SKIP in outcome["kinds"]  # which is no failure of the Batch task
        level = logging.INFO if skipped else logging.ERROR
        logging.getLogger("azure_batch").log(level, "%s: %s", type(error).__name__, error)
        _tell(payload, outcome)
        return 0 if skipped else 1


# Calling the function


def returned(payload: dict[str, Any]) -> Any:
    """What the function returns.

    Raises:
        NotPreparedError: the function was not called.
        BaseException: whatever the function raises.
    """
    serializer = _serializer(payload["serializer"])
    try:
        args, kwargs = serializer.loads(base64.b64decode(payload["arguments"]))
    except Exception as error:
        raise NotPreparedError(
            f"The arguments could not be read here ({type(error).__name__}: {error}). They were written by "
            f"{payload['serializer']} in Python {payload['python']}; this is Python {_version()}.\n"
            "A class of theirs must be importable on the node: put its package into requirements, or pass "
            "plain values. cloudpickle and dill need the same Python minor version on both sides."
        ) from error
    args, kwargs = resolved((args, kwargs), payload["results"])
    _offer(payload["modules"])
    value = function_of(payload)(*args, **kwargs)
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def _offer(modules: dict[str, str]) -> None:
    """Let the function import these files, if the node has no package of their name installed."""
    for name, text in modules.items():
        place = Path(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    sys.path.append(os.getcwd())  # which with PYTHONSAFEPATH is not searched


def function_of(payload: dict[str, Any]) -> Any:
    """The function, made of its source. Annotations are not evaluated: they may name what is not here."""
    file, source = payload["file"], payload["source"]
    placed = "\n" * (payload["line"] - 1) + source
    linecache.cache[file] = (len(placed), None, placed.splitlines(keepends=True), file)
    module = types.ModuleType("azure_batch_function")
    sys.modules[module.__name__] = module
    try:
        code = compile(placed, file, "exec", __future__.annotations.compiler_flag, dont_inherit=True)
    except SyntaxError as error:
        raise NotPreparedError(
            f"The function's source is none of Python {_version()}, which this node runs: {error}. "
            f"The Airflow worker runs Python {payload['python']}; name python_version to have the same here."
        ) from error
    exec(code, module.__dict__)  # noqa: S102 - running the author's function is what this is for
    return getattr(module, payload["name"])


def resolved(value: Any, places: dict[str, str]) -> Any:
    """Arguments with the values that references to results stand for.

    Parameters:
        value: the arguments.
        places: where the node has put a result, by the name of its blob.
    """
    if isinstance(value, dict):
        if REFERENCE in value and value[REFERENCE] in places:
            serializer = _serializer(value.get("serializer", "pickle"))
            return serializer.loads(Path(places[value[REFERENCE]]).read_bytes())
        return {key: resolved(held, places) for key, held in value.items()}
    if type(value) in (list, tuple):
        return type(value)(resolved(held, places) for held in value)
    return value


def _serializer(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise NotPreparedError(
            f"serializer={name!r} is not installed on this node ({sys.executable}): add {name!r} to "
            "requirements, or have it in the container image."
        ) from None


# What cannot be written


def unwritable(serializer: str, dumps: Any, value: Any, what: str, error: Exception) -> str:
    """Why a value cannot be written, and what to do. The worker says so of arguments.

    Parameters:
        serializer, dumps: the serializer, and how it writes.
        value: the value.
        what: the value in words.
        error: what writing it has raised.
    """
    path, part = _hindering(dumps, value)
    kind = type(part)
    cause = "It is tied to the process that it is in, as a lock, a connection or an open file is."
    step = "Make it within the function, and hand over plain values."
    if isinstance(error, (RecursionError, MemoryError)):
        cause, step = "It is nested too deeply, or too large.", "Hand over a flatter or smaller one."
    elif isinstance(part, (types.GeneratorType, types.AsyncGeneratorType)):
        cause, step = "What is still to be iterated cannot be handed over.", "Make a list of it: list(...)."
    elif callable(part) or "<locals>" in kind.__qualname__ or isinstance(error, pickle.PicklingError):
        cause = (
            "Functions and classes are written by the name of their module, which this one is not found by."
        )
        if serializer == "pickle":
            step = (
                "Hand over plain values; or write serializer='cloudpickle' or 'dill', which write functions "
                "and classes as well and must be installed on both sides."
            )
    return (
        f"{path + ' of ' if path else ''}{what} is {kind.__name__}, which {serializer} cannot write "
        f"({type(error).__name__}: {error}).\nLikely cause: {cause}\nNext step: {step}"
    )


def _hindering(dumps: Any, value: Any, path: str = "") -> tuple[str, Any]:
    """The innermost part of dictionaries, lists and tuples that cannot be written, and where it is."""
    parts: Any = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, (list, tuple)):
        parts = enumerate(value)
    for key, part in parts:
        try:
            dumps(part)
        except Exception:
            if len(path) < _PATH_LENGTH:  # what holds itself has no innermost part
                return _hindering(dumps, part, f"{path}[{key!r}]")
    return path, value


# Telling what became of it


@contextlib.contextmanager
def _used_told() -> Iterator[None]:
    """Log what the function uses, whatever becomes of it: by that a machine is chosen. On Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        yield
        return
    import resource

    begun, cpu = time.monotonic(), sum(os.times()[:4])
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    try:
        yield
    finally:
        seconds, cpu = time.monotonic() - begun, sum(os.times()[:4]) - cpu
        # Not by getrusage, to which the peak of whoever started this process counts (getrusage(2)).
        own = int(status.read_text().partition("VmHWM:")[2].split()[0])
        # What the largest child used may be of the installation before.
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        started = largest if largest > before else 0
        logging.getLogger("azure_batch").info(
            "Used at most %.0f MiB of memory in one process, and %.1f s of CPU in %.1f s",
            max(own, started) / 1024,
            cpu,
            seconds,
        )


def _keep(payload: dict[str, Any], value: Any) -> int:
    dumps = _serializer(payload["serializer"]).dumps
    try:
        data = dumps(value)
    except Exception as error:
        what = "the value that the function returned"
        raise NotKeptError(unwritable(payload["serializer"], dumps, value, what, error)) from error
    Path(RESULT).write_bytes(data)
    _tell(payload, {"state": "returned", "bytes": len(data)})
    return 0


def _raised(payload: dict[str, Any], error: BaseException) -> dict[str, Any]:
    kind = type(error)
    text = "".join(traceback.format_exception(kind, error, _own_part(error, payload["file"])))
    return {
        "state": _STATES.get(kind, "raised"),
        "kinds": [each.__name__ for each in kind.__mro__],
        "type": kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}",
        "message": str(error)[:_TEXT_LENGTH],
        "traceback": text[-_TEXT_LENGTH:],
        "exception": _pickled(payload, error),
    }


def _own_part(error: BaseException, file: str) -> Any:
    """The traceback from the author's function on."""
    part = error.__traceback__
    while part is not None and part.tb_frame.f_code.co_filename != file:
        part = part.tb_next
    return part or error.__traceback__


def _pickled(payload: dict[str, Any], error: BaseException) -> str | None:
    """The exception, if it comes back from its pickle; many with arguments of their own do not."""
    try:
        serializer = importlib.import_module(payload["serializer"])
        data = serializer.dumps(error)
        serializer.loads(data)
    except Exception:
        return None
    return base64.b64encode(data).decode() if len(data) <= _EXCEPTION_BYTES else None


def _tell(payload: dict[str, Any], outcome: dict[str, Any]) -> None:
    whole = {**outcome, "python": _version(), "serializer": payload["serializer"]}
    Path(OUTCOME).write_text(json.dumps(whole), "utf-8")


def _version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


# Having what it needs


def prepared(requirements: list[str], version: str | None) -> str:
    """The Python of an environment with these packages, made by uv in the working directory.

    Downloads are kept in the node's shared directory, for the tasks that follow.

    Raises:
        NotPreparedError: uv could not be had, or it could not install them.
    """
    shared = Path(os.environ.get("AZ_BATCH_NODE_SHARED_DIR") or tempfile.gettempdir())
    uv = find_uv(shared / "airflow-batch-uv")
    # Behind a company's proxy the certificates are the machine's own: pip reads them, so shall uv.
    os.environ.setdefault("UV_SYSTEM_CERTS", "true")
    os.environ.setdefault("UV_CACHE_DIR", str(shared / "airflow-batch-uv-cache"))
    shutil.rmtree(_ENVIRONMENT, ignore_errors=True)  # of a run that its node has ended
    _run([uv, "venv", "--quiet", "--python", version or sys.executable, _ENVIRONMENT], "make an environment")
    python = os.path.abspath(os.path.join(_ENVIRONMENT, "bin", "python"))
    if requirements:
        words = [uv, "pip", "install", "--quiet", "--python", python, *requirements]
        _run(words, "install " + ", ".join(requirements))
    return python


def find_uv(place: Path) -> str:
    """The program uv: the node's own, or one that is put into ``place`` once a node.

    Raises:
        NotPreparedError: there is none, and neither pip nor venv to get one.
    """
    found, program = shutil.which("uv"), place / "bin" / "uv"
    if found or program.exists():
        return found or str(program)
    place.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=place.name, dir=str(place.parent)))
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    ways: list[tuple[list[str], ...]] = [
        ([sys.executable, *pip, "--target", str(making), "uv"],),
        ([sys.executable, "-m", "venv", str(making)], [str(making / "bin" / "python"), *pip, "uv"]),
    ]
    said = []
    for way in ways:
        try:
            for words in way:
                _run(words, "install uv")
        except NotPreparedError as error:
            said.append(str(error))
            continue
        try:
            making.rename(place)
        except OSError:  # another task of this node was faster
            shutil.rmtree(making, ignore_errors=True)
        return str(program)
    raise NotPreparedError(
        "requirements need uv, which is not on this node and could not be installed. Install uv, or pip for "
        "python3, by the pool's start task, or use a container image that has the packages.\n"
        + "\n".join(said)
    )


def _run(words: list[str], what: str) -> None:
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError as error:
        raise NotPreparedError(f"Could not {what}: {error}") from error
    if done.returncode:
        raise NotPreparedError(f"Could not {what}:\n{done.stdout.strip()[-4000:]}")


if __name__ == "__main__":
    sys.exit(main())
