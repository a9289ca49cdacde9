"""Every command in the documentation exists: make targets, options, services, extras."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from batch_emulator import cli
from tests.docs.pages import PAGES, ROOT, code_spans_of, commands

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))


def make(words: list[str]) -> None:
    for word in words:
        name, is_variable, _ = word.partition("=")
        if is_variable:
            assert f"$({name})" in MAKEFILE or f"$(if $({name})" in MAKEFILE, word
        else:
            assert re.search(rf"^{re.escape(word)}:", MAKEFILE, re.MULTILINE), f"no target {word}"


def batch_emulator(words: list[str]) -> None:
    cli._parser().parse_args(words)


def airflow(words: list[str]) -> None:
    from airflow.cli.cli_parser import get_parser

    get_parser().parse_args(words)


def docker(words: list[str]) -> None:
    if words[0] in ("build", "run"):
        for path in (word for word in words if word.startswith("docker/")):
            assert (ROOT / path).is_file()
        return
    assert words[:2] == ["compose", "-f"]
    assert (ROOT / words[2]).is_file()
    action, *rest = words[3:]
    assert action in ("up", "down", "exec", "cp", "logs")
    if action in ("exec", "logs"):
        assert rest[0] in COMPOSE["services"]
    if action == "exec" and rest[1] == "python":
        assert (ROOT / rest[2]).is_file()
    if action == "cp":
        assert rest[1].partition(":")[0] in COMPOSE["services"]


def pip(words: list[str]) -> None:
    assert words[0] == "install"
    wanted = Requirement(re.sub(r"^\.", "airflow-provider-azure-batch", words[1]))  # "." is a clone
    distribution = metadata(wanted.name)
    assert wanted.extras <= set(distribution.get_all("Provides-Extra") or ())


def az(words: list[str]) -> None:
    # Azure's own: its options were checked by hand, as it is no dependency of this project.
    assert words[0] in ("group", "storage", "batch", "provider", "eventgrid", "role", "identity")


def curl(words: list[str]) -> None:
    assert words[-1].startswith("http")


def loop(words: list[str]) -> None:
    assert words[1] == "in"


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "make": make,
    "batch-emulator": batch_emulator,
    "airflow": airflow,
    "docker": docker,
    "pip": pip,
    "curl": curl,
    "az": az,
    "for": loop,
}


def inline() -> list[tuple[str, list[str]]]:
    """Commands between backticks that are whole enough to be checked."""
    spans = [(page.name, span) for page in PAGES for span in code_spans_of(page)]
    return [
        (where, shlex.split(span))
        for where, span in spans
        if re.match(r"(make|batch-emulator (serve|start|stop|reset|status|logs)) ", span)
    ]


@pytest.mark.parametrize(
    ("where", "words"),
    [*commands(), *inline()],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_command_exists(where: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        CHECKS[words[0]](words[1:])
    except SystemExit:
        pytest.fail(f"{where}: {words}: {capsys.readouterr().err}")


def test_options_in_the_emulators_page_are_those_of_its_command_line() -> None:
    known = set(
        re.findall(
            r"--[a-z][a-z-]+", "".join(map(_help, ("serve", "events", "token", "stop", "status", "logs")))
        )
    )
    spans = code_spans_of(ROOT / "docs" / "emulator.md")
    named = {option for span in spans for option in re.findall(r"--[a-z][a-z-]+", span)}
    assert known - named == {"--help", "--storage-connection-string"} - named
    assert named <= known


def _help(command: str) -> str:
    actions = cli._parser()._subparsers
    assert actions is not None
    choices = actions._group_actions[0].choices
    assert isinstance(choices, dict)
    return str(choices[command].format_help())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    for span in code_spans_of(page):
        if re.fullmatch(
            r"(dags|docs|docker|demo|tests|airflow_batch_provider|batch_emulator)/[\w./-]*", span
        ):
            assert (ROOT / span).exists(), span
