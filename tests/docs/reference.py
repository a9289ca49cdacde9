"""The tables of the documentation that the code knows better.

``python -m tests.docs.reference`` writes them into the pages, and the API reference; a test compares.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from airflow_batch_provider.client.pools.pool_causes import RESIZE_CAUSES
from airflow_batch_provider.client.requests.failures import SIGNALS, TASK_FAILURES
from airflow_batch_provider.client.requests.meaning import Layer, Meaning
from airflow_batch_provider.client.requests.request_errors import REQUEST_ERRORS
from batch_emulator.arm import app as management
from batch_emulator.arm import operations as arm
from batch_emulator.faults.record import NODE_FAULTS, REQUEST_FAULTS, NodeRule, RequestRule, Rule
from batch_emulator.rest import operations as rest
from batch_emulator.rest.handlers import all_handlers
from batch_emulator.service import error_kinds
from tests.airflow_batch_provider.official.comparison import COMPARISON
from tests.docs import coverage, pains
from tests.docs.api import writing

_GROUPS = {
    "account": rest.ACCOUNT,
    "pools": rest.POOLS,
    "nodes": rest.NODES,
    "jobs": rest.JOBS,
    "job schedules": rest.SCHEDULES,
    "tasks": rest.TASKS,
}


def operations() -> list[str]:
    """Operations of the data plane, by group."""
    handled = all_handlers()
    return [_row(name, *_split((item.name for item in group), handled)) for name, group in _GROUPS.items()]


def management_operations() -> list[str]:
    """Operations of the management plane."""
    return [_row(*_split((item.name for item in arm.OPERATIONS), management.HANDLERS))]


def refused() -> list[str]:
    """Properties that the rules refuse, with the reason they give, as they stand in the source."""
    folder = Path(error_kinds.__file__).parent
    rows = {
        _row(_owner(path), f"`{_name_of(call.args[0])}`", ast.literal_eval(_reason(call.args[1])))
        for path in folder.rglob("*.py")
        for call in _calls(path, "unsupported")
    }
    return sorted(rows)


def task_failures() -> list[str]:
    """Failure codes of Batch tasks, by layer."""
    return list(_by_layer(TASK_FAILURES))


def exit_codes() -> list[str]:
    """Exit codes of commands that a signal has ended."""
    return [
        _row(f"{128 + number}, {-number}", meaning.happened, meaning.cause, meaning.next_step)
        for number, meaning in SIGNALS.items()
    ]


def request_errors() -> list[str]:
    """Error codes of refused requests, by layer."""
    return list(_by_layer(REQUEST_ERRORS))


def resize_errors() -> list[str]:
    """Error codes of pools, and whether Airflow retries."""
    return [
        _row(cause.layer.value, f"`{code}`", "no" if cause.fatal else "yes", cause.text, cause.next_step)
        for code, cause in RESIZE_CAUSES.items()
    ]


def request_faults() -> list[str]:
    """Faults of requests, with what they take beside that of all rules."""
    return list(_faults(REQUEST_FAULTS, RequestRule))


def node_faults() -> list[str]:
    """Faults of nodes, likewise."""
    return list(_faults(NODE_FAULTS, NodeRule))


def comparison() -> list[str]:
    """What was seen of the official operator and of ours."""
    return [_row(each.question, each.official[1], each.ours[1]) for each in COMPARISON]


def _faults(table: Mapping[str, type[Rule]], base: type[Rule]) -> Iterator[str]:
    common = {item.name for item in fields(base)}
    for name, kind in table.items():
        members = [item for item in fields(kind) if item.name not in common]
        shown = [f"`{item.metadata['name']}` ({_default(item.default)})" for item in members]
        happens = " ".join((kind.__doc__ or "").partition(":param")[0].split()).replace("``", "`")
        yield _row(f"`{name}`", ", ".join(shown), happens)


def _default(value: object) -> str:
    return "null" if value is None else str(value)


TABLES = {
    **coverage.TABLES,
    "request faults": request_faults,
    "node faults": node_faults,
    "operations": operations,
    "management": management_operations,
    "refused": refused,
    "task failures": task_failures,
    "exit codes": exit_codes,
    "pool errors": resize_errors,
    "request errors": request_errors,
    "comparison": comparison,
    "pains": pains.table,
}


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _split(names: Iterable[str], handled: Mapping[str, object]) -> tuple[str, str]:
    listed = list(names)
    yes = [f"`{name}`" for name in listed if name in handled]
    no = [f"`{name}`" for name in listed if name not in handled]
    return ", ".join(yes) or "none", ", ".join(no) or "none"


def _by_layer(table: Mapping[str, Meaning]) -> Iterator[str]:
    for layer in Layer:
        for code, meaning in table.items():
            if meaning.layer is layer:
                again = "no" if meaning.final else "yes"
                yield _row(
                    layer.value, f"`{code}`", again, meaning.happened, meaning.cause, meaning.next_step
                )


def _calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _owner(path: Path) -> str:
    """What a property is of, by the module that refuses it."""
    return next((kind for kind in ("job", "pool", "task") if path.stem.startswith(kind)), "any command")


def _name_of(node: ast.expr) -> str:
    """A property's name; where it has a prefix that varies, without that."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    return str(ast.literal_eval(node))


def _reason(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Name):
        from batch_emulator.service import spec_checks

        return ast.Constant(getattr(spec_checks, node.id))
    return node


def stated(page: str, title: str) -> list[str]:
    """The rows of a table as a page has them.

    :param title: what the comment before the table says: ``<!-- table: title -->``.
    """
    match = re.search(_PATTERN.format(re.escape(title)), page)
    return match[2].splitlines() if match else []


def corrected(page: str) -> str:
    """A page with the rows of its tables as the code has them."""
    for title, table in TABLES.items():
        rows = "".join(f"{row}\n" for row in table())
        page = re.sub(_PATTERN.format(re.escape(title)), lambda match, rows=rows: match[1] + rows, page)
    return page


_PATTERN = r"(<!-- table: {} -->\n\n\|.*\n\|[- |]+\n)((?:\|.*\n)*)"


if __name__ == "__main__":
    for path in (Path("README.md"), *Path("docs").glob("*.md")):
        path.write_text(corrected(path.read_text("utf-8")), "utf-8")
    for path, text in writing.write().items():
        path.write_text(text, "utf-8")
