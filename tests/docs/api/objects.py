"""The public API as its source has it: which arguments each thing takes, and what is said of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property

from tests.docs.api.docstrings import Docstring, parse
from tests.docs.pages import ROOT

FOLDERS = ("airflow_batch_provider", "batch_emulator/testing", "batch_emulator/simulation")
OF_AIRFLOW = ("CommonArguments", "TaskArguments", "DecoratorArguments", "SensorArguments", "GroupArguments")

_ELSEWHERE = re.compile(r"(?:see|as of|as for) (?::\w+:`~?|``)([\w.]+)`{1,2}[;.,]? ?(.*)")
_UNPACK = re.compile(r"Unpack\[(\w+)\]")
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Argument:
    """One argument as the reference shows it.

    :param default: as it is written; empty for one that must be given.
    """

    name: str
    type: str
    default: str
    meaning: str


@dataclass(frozen=True, eq=False)
class Thing:
    """A class, a function or a method of the source."""

    module: str
    node: Definition

    @property
    def name(self) -> str:
        return self.node.name

    @cached_property
    def doc(self) -> Docstring:
        return parse(ast.get_docstring(self.node))

    @property
    def bases(self) -> list[Thing]:
        """The classes of this project that it extends."""
        named = self.node.bases if isinstance(self.node, ast.ClassDef) else []
        names = [base.id for base in named if isinstance(base, ast.Name)]
        return [by_name()[name] for name in names if name in by_name()]

    def says(self, word: str) -> bool:
        """Whether it has a decorator or a base of this name."""
        above = [*self.node.decorator_list, *getattr(self.node, "bases", ())]
        return any(word in ast.unparse(each) for each in above) or any(base.says(word) for base in self.bases)

    def method(self, name: str) -> Thing | None:
        """A method, its own or that of a base."""
        for each in self.node.body:
            if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.name == name:
                return Thing(self.module, each)
        return next((found for base in self.bases if (found := base.method(name))), None)

    @property
    def returns(self) -> str:
        """Type of what comes back."""
        given = getattr(self.node, "returns", None)
        return "" if given is None else shown(ast.unparse(given))

    @cached_property
    def described(self) -> dict[str, str]:
        """Argument -> what is said of it here, where the docstring points to, or by a base."""
        inherited = {name: text for base in reversed(self.bases) for name, text in base.described.items()}
        return {**inherited, **{name: _followed(name, text) for name, text in self.doc.parameters.items()}}

    @cached_property
    def arguments(self) -> list[Argument]:
        """All arguments, those that are handed on to a base of this project among them."""
        if isinstance(self.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return list(self._of(self.node))
        if self.says("TypedDict") or self.says("dataclass"):
            return self._fields()
        made_by = self.method("__init__")
        return list(self._of(made_by.node)) if made_by is not None else []

    @property
    def hands_to_airflow(self) -> str:
        """Name of the list of Airflow's arguments that it takes beside its own; empty: of none."""
        node = self.node if isinstance(self.node, (ast.FunctionDef, ast.AsyncFunctionDef)) else None
        made_by = self.method("__init__")
        node = node or (made_by.node if made_by is not None else None)  # type: ignore[assignment]
        kinds = [self] if self.says("TypedDict") else _unpacked(node)
        return next((name for kind in kinds for name in kind.lineage if name in OF_AIRFLOW), "")

    @property
    def lineage(self) -> list[str]:
        """Its name and those of all it extends."""
        return [self.name, *(name for base in self.bases for name in base.lineage)]

    def _of(self, node: Definition) -> Iterator[Argument]:
        assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        given = node.args
        positional = [*given.posonlyargs, *given.args]
        missing = [None] * (len(positional) - len(given.defaults))
        pairs = [*zip(positional, [*missing, *given.defaults], strict=True)]
        pairs += zip(given.kwonlyargs, given.kw_defaults, strict=True)
        for each, default in pairs:
            if each.arg not in ("self", "cls"):
                yield self._argument(each.arg, each.annotation, default)
        names = {each.arg for each, _ in pairs}
        if given.kwarg is not None and given.kwarg.arg in self.described:
            yield Argument(f"**{given.kwarg.arg}", "", "", self.described[given.kwarg.arg])
            return
        for kind in _unpacked(node):
            yield from (one for one in self._handed_on(kind) if one.name not in names)

    def _handed_on(self, kind: Thing) -> Iterator[Argument]:
        if kind.name in OF_AIRFLOW:
            return
        known = {one.name: one for base in reversed(self.bases) for one in base.arguments}
        for item in kind.arguments:
            taken = known.get(item.name, item)
            yield replace(taken, meaning=self.described.get(item.name) or taken.meaning)

    def _fields(self) -> list[Argument]:
        inherited = [
            replace(one, meaning=self.described.get(one.name, ""))
            for base in self.bases
            if base.name not in OF_AIRFLOW
            for one in base.arguments
        ]
        own = [
            self._argument(each.target.id, each.annotation, each.value, optional=self.says("TypedDict"))
            for each in self.node.body
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
            if "ClassVar" not in ast.unparse(each.annotation) and not each.target.id.startswith("_")
            if "init=False" not in ast.unparse(each)
        ]
        return [one for one in inherited if one.name not in {each.name for each in own}] + own

    def _argument(
        self, name: str, kind: ast.expr | None, default: ast.expr | None, *, optional: bool = False
    ) -> Argument:
        value = None if default is None else _value(default, self.module)
        written = "left out" if optional else "" if value is None else f"`{value}`"
        typed = "" if kind is None else shown(ast.unparse(kind))
        return Argument(name, typed, written, self.described.get(name, ""))


def _followed(name: str, text: str) -> str:
    """What is said elsewhere, if that is all that is said here."""
    match = _ELSEWHERE.match(text)
    target = by_name().get(match[1].rpartition(".")[2]) if match else None
    meaning = target.described.get(name) if target is not None else None
    return " ".join(part for part in (meaning, match[2].capitalize()) if part) if match and meaning else text


def _unpacked(node: Definition | None) -> list[Thing]:
    """The typed dictionary of a function's further arguments."""
    given = node.args.kwarg if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else None
    match = (
        _UNPACK.fullmatch(ast.unparse(given.annotation)) if given is not None and given.annotation else None
    )
    return [by_name()[match[1]]] if match else []


@cache
def _modules() -> dict[str, ast.Module]:
    """All modules in which something of the API may be."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    names = [path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in paths]
    return {
        name.removesuffix(".__init__"): ast.parse(path.read_text("utf-8"))
        for name, path in zip(names, paths, strict=True)
    }


@cache
def things() -> dict[str, Thing]:
    """Dotted name -> class or function."""
    return {
        f"{module}.{node.name}": Thing(module, node)
        for module, tree in _modules().items()
        for node in tree.body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    }


@cache
def by_name() -> dict[str, Thing]:
    """The same by the last part of the name; where two share it, that of what an author writes."""
    order = sorted(things().items(), key=lambda item: ".client." in item[0] or item[0].startswith("batch_"))
    return {thing.name: thing for _, thing in reversed(order)}


@cache
def _named_in(module: str) -> dict[str, str]:
    """Constants and types that have a name in a module -> what they are, as it is written."""
    found = {}
    for node in _modules()[module].body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            for name, value in _pairs(target, node.value):
                text = (
                    value.value
                    if isinstance(node, ast.AnnAssign) and isinstance(value, ast.Constant)
                    else None
                )
                found[name] = text if isinstance(text, str) else ast.unparse(value)
    return found


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Each name that is given a value, and that."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for each, part in zip(target.elts, value.elts, strict=True):
            yield from _pairs(each, part)


@cache
def _named_values() -> dict[str, str]:
    """The same of all modules; of names that several have, which may be private, one of them."""
    found = {name: text for module in reversed(_modules()) for name, text in _named_in(module).items()}
    return {**found, "AzureBatchHook.default_conn_name": "'azure_batch_default'"}


def shown(kind: str) -> str:
    """A type as a reader knows it: our own names of choices and of texts are told in full."""
    short = re.sub(r"\b(?:dt|spec|datetime|batch_models)\.", "", kind).replace("'", '"')

    def told(match: re.Match[str]) -> str:
        value = _named_values().get(match[0], "")
        simple = value.startswith("Literal[") or match[0] in (
            "Text",
            "Command",
            "Count",
            "Mount",
            "Inputs",
            "Outputs",
            "Source",
        )
        return shown(value) if simple else match[0]

    return re.sub(r"\b[A-Z]\w+\b(?!\")", told, short)


def _value(default: ast.expr, module: str) -> str | None:
    """A default as it is written, with named values in full; None for a field that has none."""
    if isinstance(default, ast.Call) and ast.unparse(default.func) == "field":
        given = {word.arg: word.value for word in default.keywords}
        if "default_factory" in given:
            made = ast.unparse(given["default_factory"])
            return {"dict": "{}", "list": "[]"}.get(made, f"{made}()")
        return _value(given["default"], module) if "default" in given else None
    text = ast.unparse(default)
    named = _named_in(module).get(text) or _named_values().get(text, text)
    return re.sub(r"\bdt\.", "", named)
