"""The script of the node by itself: as a process, with the payload that the worker writes."""

from __future__ import annotations

import ast
import json
import logging
import os
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import airflow_batch_provider.node
from airflow_batch_provider.client.files.function_files import FunctionCall, FunctionOutcome
from airflow_batch_provider.exceptions import BatchFunctionError, BatchFunctionHopelessError
from airflow_batch_provider.node import run_function
from airflow_batch_provider.spec.function_source import FunctionSource, function_source
from tests.airflow_batch_provider.airflow_versions import (
    IMPORT_TAKES_LOGGING_OVER,
    AirflowFailException,
    AirflowSkipException,
)


class Node:
    """A working directory, and what the script has left there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = ""

    def run(
        self,
        function: Callable[..., Any] | FunctionSource,
        *args: Any,
        flags: Sequence[str] = ("-I",),
        logs_to_stderr: bool = False,
        **changes: Any,
    ) -> FunctionOutcome:
        source = function if isinstance(function, FunctionSource) else function_source(function)
        call = FunctionCall(source, args, {}, "pickle", (), None)
        payload = {**json.loads(call.payload()), **changes}
        (self.folder / run_function.PAYLOAD).write_text(json.dumps(payload))
        done = subprocess.run(
            [sys.executable, *flags, run_function.__file__],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": "/nowhere", "AZ_BATCH_NODE_SHARED_DIR": str(self.folder / "shared")},
            check=False,
        )
        self.said = done.stdout
        assert bool(done.stderr) == logs_to_stderr
        told = json.loads((self.folder / run_function.OUTCOME).read_text())
        well = told["state"] == "returned" or "AirflowSkipException" in told["kinds"]
        assert done.returncode == (0 if well else 1)
        return FunctionOutcome("container/job/task/result.bin", told)

    def result(self) -> Any:
        return pickle.loads((self.folder / run_function.RESULT).read_bytes())


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def total(numbers: list[int]) -> int:
    logging.getLogger("sums").warning("adding %s", len(numbers))
    return sum(numbers)


def test_a_function_gets_its_arguments_and_its_result_is_kept(node: Node) -> None:
    def double(numbers: list[Unknown]) -> dict[str, Any]:  # type: ignore[name-defined] # noqa: F821 - unread
        return {"doubled": [number * 2 for number in numbers]}

    outcome = node.run(double, [1, 2])
    assert outcome.returned
    assert node.result() == {"doubled": [2, 4]}
    assert outcome.told["bytes"] == (node.folder / run_function.RESULT).stat().st_size


def test_a_coroutine_is_run_to_its_end(node: Node) -> None:
    async def later() -> str:
        import asyncio

        await asyncio.sleep(0)
        return "done"

    assert node.run(later).returned
    assert node.result() == "done"


def test_records_are_lines_of_json_with_their_level(node: Node) -> None:
    def speaks() -> None:
        import logging
        import sys

        logging.getLogger("mine").warning("two\nlines %s", 3)
        logging.getLogger("mine").debug("not this")
        sys.stdout.write("as it is\n")

    node.run(speaks)
    first, second, _ = node.said.splitlines()
    assert json.loads(first) == {"level": "warning", "logger": "mine", "message": "two\nlines 3"}
    assert second == "as it is"


def test_a_record_after_a_print_without_an_end_is_a_line_of_its_own(node: Node) -> None:
    def speaks() -> None:
        print("no newline", end="")  # noqa: T201 - as authors do

    node.run(speaks)
    first, second = node.said.splitlines()
    assert first == "no newline"
    assert json.loads(second)["message"].startswith("Used at most")


@pytest.mark.parametrize("mib", [0, 300])
def test_pain_090_what_a_function_has_used_is_told_so_that_machines_can_be_sized(
    node: Node, mib: int
) -> None:
    def hungry(mib: int) -> None:
        import subprocess
        import sys

        held = b"x" * (mib * 2**20)
        subprocess.run([sys.executable, "-I", "-c", "sum(range(1_000_000))"], check=True)
        raise ValueError(len(held))

    node.run(hungry, mib)
    told = json.loads(node.said.splitlines()[0])["message"]
    found = re.fullmatch(
        r"Used at most (\d+) MiB of memory in one process, and ([\d.]+) s of CPU in ([\d.]+) s", told
    )
    assert found
    assert mib <= int(found[1]) < mib + 150
    assert float(found[2]) <= 2 * float(found[3]) + 1


def test_an_exception_comes_back_as_itself_with_the_traceback_of_the_node(node: Node) -> None:
    def fails(n: int) -> None:
        raise LookupError(f"number {n}")

    error = node.run(fails, 7).error()
    assert type(error) is LookupError
    assert error.args == ("number 7",)
    assert isinstance(error.__cause__, BatchFunctionError)
    assert error.__cause__.__traceback__ is not None  # Airflow's log leaves out a cause without one.
    text = str(error.__cause__)
    assert f'File "{Path(__file__).name}", line {fails.__code__.co_firstlineno + 1}, in fails' in text
    assert 'raise LookupError(f"number {n}")' in text
    assert '"run_function.py"' not in text
    assert '"error"' in node.said


def test_an_exception_that_does_not_come_back_is_told_by_its_text(node: Node) -> None:
    def fails() -> None:
        class OwnError(Exception):
            pass

        raise OwnError("only here")

    error = node.run(fails).error()
    assert type(error) is BatchFunctionError
    assert error.type_name.endswith("OwnError")
    assert "only here" in str(error)


def test_an_exit_of_the_function_is_none_of_the_workers(node: Node) -> None:
    def leaves(code: int) -> None:
        import sys

        sys.exit(code)

    assert type(node.run(leaves, 3).error()) is BatchFunctionError
    assert node.run(leaves, 0).returned
    assert node.result() is None


def skips() -> None:
    from airflow_batch_provider.node import AirflowSkipException

    raise AirflowSkipException("nothing new")


def fails_for_good() -> None:
    from airflow_batch_provider.node import AirflowFailException

    raise AirflowFailException("no such customer")


# With -S nothing is installed there: neither Airflow nor this provider.
@pytest.mark.parametrize("flags", [["-I"], ["-I", "-S"]])
def test_a_function_skips_or_fails_for_good_without_airflow_on_the_node(node: Node, flags: list[str]) -> None:
    skipped = node.run(skips, flags=flags).error()
    assert isinstance(skipped, AirflowSkipException)
    assert skipped.args == ("nothing new",)
    assert json.loads(node.said.splitlines()[-1])["level"] == "info"
    failed = node.run(fails_for_good, flags=flags).error()
    assert isinstance(failed, AirflowFailException)
    assert "no such customer" in str(failed)
    assert "in fails_for_good" in str(failed)


def test_what_airflow_itself_has_of_these_names_is_known_as_well(node: Node) -> None:
    def skips() -> None:
        from airflow.exceptions import AirflowSkipException

        class MineError(AirflowSkipException):
            pass

        raise MineError("mine")

    ended = node.run(skips, logs_to_stderr=IMPORT_TAKES_LOGGING_OVER)
    assert isinstance(ended.error(), AirflowSkipException)


def test_references_among_arguments_arrive_as_what_they_stand_for(node: Node) -> None:
    def total(held: dict[str, Any]) -> int:
        return sum(held["numbers"][0])

    reference = {"azure_batch_result": "work/a/result.bin", "bytes": 9, "serializer": "pickle"}
    (node.folder / "results").mkdir()
    (node.folder / "results" / "0").write_bytes(pickle.dumps([1, 2, 3]))
    assert node.run(total, {"numbers": [reference]}).returned
    assert node.result() == 6


def test_what_is_not_there_is_said_by_name(node: Node) -> None:
    outcome = node.run(total, [1], serializer="no_such_serializer")
    assert outcome.told["state"] == "not prepared"
    assert "no_such_serializer" in str(outcome.error())
    # Names of the module are not there, as the page tells.
    assert type(node.run(total, [1]).error()) is NameError


def test_a_source_of_a_newer_python_is_told_with_both_versions(node: Node) -> None:
    newer = FunctionSource("newer", "def newer():\n    frobnicate this\n", "dag.py", 40)
    text = str(node.run(newer, python="3.99.0").error())
    assert "was not called on its node" in text
    assert "runs Python 3.99.0; name python_version" in text
    assert f"Python {sys.version_info[0]}.{sys.version_info[1]}" in text
    assert "line 41" in text


def test_arguments_that_cannot_be_read_are_told(node: Node) -> None:
    outcome = node.run(total, [1], arguments="bm8gcGlja2xl")
    assert "The arguments could not be read here" in str(outcome.error())


def test_a_result_that_cannot_be_written_is_told_with_its_place_and_what_to_do(node: Node) -> None:
    def locked() -> dict[str, Any]:
        import threading

        return {"parts": [1, threading.Lock()]}

    outcome = node.run(locked)
    text = str(outcome.error())
    assert type(outcome.error()) is BatchFunctionHopelessError  # again it would end the same
    assert "ended well on its node" in text
    assert "['parts'][1] of the value that the function returned is lock, which pickle cannot write" in text
    assert "cannot pickle '_thread.lock' object" in text
    assert "Next step: Make it within the function" in text
    assert not (node.folder / run_function.RESULT).exists()


@pytest.mark.parametrize(
    ("source", "right"),
    [
        ("def f():\n    return (n for n in [1])\n", "is generator.*Make a list of it"),
        ("def f():\n    return lambda: 1\n", "is function.*serializer='cloudpickle' or 'dill'"),
        ("def f():\n    class A: ...\n    return A()\n", "is A.*serializer='cloudpickle' or 'dill'"),
        ("def f():\n    a = []\n    a += [a, open('x', 'w')]\n    return a\n", "tied to the process"),
        ("def f():\n    return open('x', 'w')\n", "is TextIOWrapper.*tied to the process"),
    ],
)
def test_why_a_result_cannot_be_written_depends_on_what_it_is(node: Node, source: str, right: str) -> None:
    text = str(node.run(FunctionSource("f", source, "f.py", 1)).error())
    assert re.search(rf"(?s){right}", text)


def test_an_argument_that_cannot_be_written_is_told_by_its_name() -> None:
    def called(first: int, *rest: Any, by: Any = None) -> None: ...

    source = function_source(called)
    for args, kwargs, what in (
        ((lambda: 1,), {}, "argument 'first' is function"),
        ((1, 2, lambda: 1), {}, "argument 3 is function"),
        ((1,), {"by": {"a": threading.Lock()}}, "['a'] of argument 'by' is lock"),
    ):
        call = FunctionCall(source, args, kwargs, "pickle", (), None)
        with pytest.raises(BatchFunctionHopelessError) as raised:
            call.payload()
        assert f"The function 'called' was not called.\n{what}, which pickle cannot write" in str(
            raised.value
        )


def test_what_a_run_left_that_its_node_has_ended_is_not_taken_for_this_one(node: Node) -> None:
    def fails() -> None:
        raise ValueError

    (node.folder / run_function.RESULT).write_bytes(b"old")
    node.run(fails)
    assert not (node.folder / run_function.RESULT).exists()


@pytest.mark.parametrize("file", [run_function.__file__, airflow_batch_provider.node.__file__])
def test_what_goes_to_the_node_is_python_3_8_with_the_standard_library_alone(file: str) -> None:
    tree = ast.parse(Path(file).read_text(), feature_version=(3, 8))
    imported = {alias.name.partition(".")[0] for each in ast.walk(tree) if isinstance(each, ast.Import)
                for alias in each.names}  # fmt: skip
    imported |= {
        str(each.module).partition(".")[0] for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)
    }
    assert imported <= sys.stdlib_module_names
    annotated = {
        id(part)
        for each in ast.walk(tree)
        for hint in (getattr(each, "annotation", None), getattr(each, "returns", None))
        if hint is not None
        for part in ast.walk(hint)
    }
    newer = [
        each
        for each in ast.walk(tree)
        if id(each) not in annotated
        and isinstance(each, ast.Subscript)
        and isinstance(each.value, ast.Name)
        and each.value.id in ("dict", "list", "tuple")
    ]
    assert not newer


def test_an_existing_uv_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program = tmp_path / "kept" / "bin" / "uv"
    program.parent.mkdir(parents=True)
    program.write_text("")
    assert run_function.find_uv(tmp_path / "kept") == str(program)
    own = tmp_path / "uv"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert run_function.find_uv(tmp_path / "kept") == str(own)


def test_without_uv_pip_and_venv_the_node_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(run_function.NotPreparedError, match="by the pool's start task"):
        run_function.find_uv(tmp_path / "kept")
