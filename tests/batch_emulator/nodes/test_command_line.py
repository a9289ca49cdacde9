"""Command lines are split and executed without a shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_emulator.nodes.command_line import CommandError, parse_command

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "AZ_BATCH_TASK_ID": "t"}


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("/bin/sh -c 'echo a  b'", ("/bin/sh", "-c", "echo a  b")),
        ('/bin/sh -c "echo \\"$HOME\\""', ("/bin/sh", "-c", 'echo "$HOME"')),
        ("/bin/sh a\\ b ''", ("/bin/sh", "a b", "")),
        (
            "/bin/sh $AZ_BATCH_TASK_ID *.txt > out && x",
            ("/bin/sh", "$AZ_BATCH_TASK_ID", "*.txt", ">", "out", "&&", "x"),
        ),
        ("/bin/sh # no comment", ("/bin/sh", "#", "no", "comment")),
    ],
)
def test_quotes_are_read_and_nothing_is_expanded(
    tmp_path: Path, line: str, arguments: tuple[str, ...]
) -> None:
    command = parse_command(line, ENVIRONMENT, tmp_path)
    assert command.arguments == arguments
    assert command.program == "/bin/sh"


def test_a_bare_name_is_looked_up_on_the_tasks_path(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    assert parse_command("tool x", {"PATH": f"/bin:{tmp_path}"}, tmp_path).program == str(tool)


def test_a_relative_program_is_found_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o770)
    assert parse_command("./run.sh", ENVIRONMENT, tmp_path).program == str(tmp_path / "run.sh")


@pytest.mark.parametrize("line", ["no-such-program-here -x", "/no/such/file", "./missing", "echo2"])
def test_a_missing_program_is_not_found(tmp_path: Path, line: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_command(line, ENVIRONMENT, tmp_path)
    failure = caught.value.failure
    assert (failure.code, failure.category) == ("CommandProgramNotFound", "usererror")
    assert ("Program", line.split(maxsplit=1)[0]) in failure.details


@pytest.mark.parametrize("line", ["/bin/sh 'open", "   ", "./plain.txt"])
def test_what_cannot_be_launched_says_so(tmp_path: Path, line: str) -> None:
    (tmp_path / "plain.txt").write_text("text")
    with pytest.raises(CommandError) as caught:
        parse_command(line, ENVIRONMENT, tmp_path)
    assert caught.value.failure.code == "CommandLaunchFailed"
