"""Commands that only a shell would understand, told from those that merely look so."""

from __future__ import annotations

import warnings

import pytest

from airflow_batch_provider.spec import JobGraph, shell
from airflow_batch_provider.spec.no_shell import shell_syntax


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("cat a.txt | wc -l", "|"),
        ("make && make install", "&&"),
        ("make || true", "||"),
        ("echo done > out.txt", ">"),
        ("echo done >out.txt", ">out.txt"),
        ("run.py 2>&1", "2>&1"),
        ("sort < in.txt", "<"),
        ("cd /mnt; ls", ";"),
        ("python3 run.py ; echo done", ";"),
        ("echo $AZ_BATCH_TASK_ID", "$AZ_BATCH_TASK_ID"),
        ("python3 ${AZ_BATCH_TASK_WORKING_DIR}/run.py", "${AZ_BATCH_TASK_WORKING_DIR}"),
        ('echo "$HOME"', "$HOME"),
        (r"%AZ_BATCH_APP_PACKAGE_TOOL%\tool.exe -v", "%AZ_BATCH_APP_PACKAGE_TOOL%"),
        (["cat", "a.txt", "|", "wc"], "|"),
    ],
)
def test_what_only_a_shell_acts_on_is_found(command: object, found: str) -> None:
    assert shell_syntax(command) == found


@pytest.mark.parametrize(
    "command",
    [
        "python3 run.py --all",
        "/bin/sh -c 'cat a.txt | wc -l > out.txt'",
        '/bin/bash -c "echo $HOME && ls; true"',
        "bash -c 'a | b'",
        "env MODE=1 bash -c 'a | b'",
        "cmd /c dir > out.txt",
        r"C:\Windows\System32\cmd.exe /c echo %PATH% | more",
        "powershell -Command Get-Process | Out-File a.txt",
        'python3 -c "print(1 | 2); print(3 > 2)"',
        "python3 -c 'import os; print(os.environ[\"HOME\"])'",
        "grep -E 'a|b' file",
        "grep -E a|b file",
        "curl https://example.test/x?a=1&b=2",
        "curl https://example.test/%E2%82%AC%20",
        "awk '{print $1}' file",
        "echo '$HOME'",
        'grep "end$" file',
        "find . -name a -exec rm {} ;",
        "pip install pandas>=2",
        "tool --format=<name>",
        "echo {{ params.x }} | wc",
        "echo 'odd",
        "",
        shell("cat a.txt | wc -l"),
        ["grep", "-E", "a|b"],
    ],
)
def test_what_a_program_may_well_want_is_left_alone(command: object) -> None:
    assert shell_syntax(command) is None


def test_a_graph_warns_once_of_tasks_that_are_alike() -> None:
    graph = JobGraph()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        graph.fan_out("part", range(20), lambda n: {"command": f"cat {n}.txt | wc -l"})
        graph.task("all", shell("cat *.txt | wc -l"))
    (one,) = told
    assert "The command of task 'part' has '|'" in str(one.message)
    assert "write shell('...')" in str(one.message)
