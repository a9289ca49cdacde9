"""Instances of a multi-instance task as real processes on two nodes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from batch_emulator.nodes import remote_shell
from batch_emulator.nodes.addresses import node_address
from batch_emulator.nodes.directories import NodeLayout
from batch_emulator.nodes.multi_instance import launcher_defaults
from batch_emulator.service.effects import EndInstance, Instance, KillRun, ReleaseNode, StartRun
from batch_emulator.service.events import NodeBooted, NodeReleased, RunEnded
from tests.batch_emulator.nodes.builders import a_boot, a_run
from tests.batch_emulator.nodes.test_host import Bench
from tests.batch_emulator.nodes.waiting import pid_in, until, until_dead

HOSTS = tuple((node_address("p", node), node, 2) for node in ("n0", "n1"))
ROOT = "workitems/j/job-1/t"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    await bench.launcher.start()
    for node in ("n0", "n1"):
        bench.host.carry_out(a_boot(node_id=node))
    await bench.heard(NodeBooted, 2)
    yield bench
    await bench.host.stop()
    await bench.fetcher.close()


def coordination(number: int, script: str, **spec: Any) -> StartRun:
    settings = {"multiInstanceSettings": {"coordinationCommandLine": "x", **spec.pop("settings", {})}}
    return a_run(
        f"/bin/sh -c '{script}'",
        run_id=f"r/{number}",
        kind="coordination",
        node_id=f"n{number}",
        instance=Instance(number, HOSTS),
        spec={**settings, **spec},
    )


def application(script: str, **spec: Any) -> StartRun:
    return a_run(
        f"/bin/sh -c '{script}'",
        node_id="n0",
        instance=Instance(0, HOSTS),
        spec={"multiInstanceSettings": {"coordinationCommandLine": "x"}, **spec},
    )


def file_of(bench: Bench, number: int, name: str) -> Path:
    return bench.nodes_dir / "p" / f"n{number}" / ROOT / name


async def test_each_instance_knows_all_of_them(bench: Bench) -> None:
    names = "$AZ_BATCH_HOST_LIST $AZ_BATCH_NODE_LIST $AZ_BATCH_MASTER_NODE $AZ_BATCH_IS_CURRENT_NODE_MASTER"
    for number in (0, 1):
        await bench.ended(coordination(number, f"echo {names} $CCP_NODES $AZ_BATCH_TASK_SHARED_DIR"))
    first, second = HOSTS[0][0], HOSTS[1][0]
    for number, is_master in ((0, "true"), (1, "false")):
        directory = bench.nodes_dir / "p" / f"n{number}" / ROOT
        assert file_of(bench, number, "stdout.txt").read_text() == (
            f"{first},{second} {first};{second} {first}:6000 {is_master} 2 {first} 2 {second} 2 {directory}\n"
        )


async def test_the_applications_output_follows_that_of_the_coordination_command(bench: Bench) -> None:
    await bench.ended(coordination(0, "echo coordinated; touch $AZ_BATCH_TASK_SHARED_DIR/common"))
    await bench.ended(application("echo applied; ls ../common"))
    assert file_of(bench, 0, "stdout.txt").read_text() == "coordinated\napplied\n../common\n"


async def test_a_new_try_begins_with_empty_output(bench: Bench) -> None:
    await bench.ended(coordination(0, "echo old"))
    bench.events.clear()
    await bench.ended(coordination(0, "echo new"))
    assert file_of(bench, 0, "stdout.txt").read_text() == "new\n"


async def test_what_a_coordination_command_starts_lives_until_the_instance_is_ended(bench: Bench) -> None:
    ended = await bench.ended(coordination(1, "setsid sleep 600 & echo $! > pid"))
    assert ended.exit_code == 0
    pid = await pid_in(file_of(bench, 1, "wd/pid"))
    os.kill(pid, 0)
    bench.host.carry_out(EndInstance("p", "n1", ROOT))
    await until_dead(pid)


async def test_what_runs_next_waits_for_the_end_of_the_instance(bench: Bench) -> None:
    await bench.ended(coordination(1, "setsid sleep 600 & echo $! > pid"))
    pid = await pid_in(file_of(bench, 1, "wd/pid"))
    bench.host.carry_out(EndInstance("p", "n1", ROOT))
    after = a_run(
        f"/bin/sh -c '! kill -0 {pid}'", run_id="next", node_id="n1", task_root="workitems/j/job-1/u"
    )
    assert (await bench.ended(after)).exit_code == 0


async def test_the_end_of_the_application_ends_what_its_coordination_command_started(bench: Bench) -> None:
    await bench.ended(coordination(0, "setsid sleep 600 & echo $! > pid"))
    pid = await pid_in(file_of(bench, 0, "wd/pid"))
    await bench.ended(application("true"))
    await until_dead(pid)


async def test_killing_a_coordination_command(bench: Bench) -> None:
    bench.host.carry_out(coordination(1, "echo $$ > pid; sleep 600"))
    pid = await pid_in(file_of(bench, 1, "wd/pid"))
    bench.host.carry_out(KillRun("r/1"))
    ended = await bench.heard(RunEnded)
    assert ended.killed
    await until_dead(pid)


class TestRemoteShell:
    """The ``ssh`` that tasks find."""

    async def test_a_command_runs_as_one_of_the_other_node(self, bench: Bench) -> None:
        for number in (0, 1):
            await bench.ended(coordination(number, "true"))
        script = f"ssh -x -o Opt=1 -l me {HOSTS[1][0]} pwd \\; env \\; exit 3; echo $?"
        await bench.ended(application(script))
        directory, *variables, status = file_of(bench, 0, "stdout.txt").read_text().splitlines()
        assert (directory, status) == (str(file_of(bench, 1, "wd")), "3")
        names = {line.partition("=")[0] for line in variables}
        assert f"AZ_BATCH_NODE_ROOT_DIR={bench.nodes_dir}/p/n1" in variables
        # A login has none of a task's variables but those by which its processes are found.
        assert {name for name in names if name.startswith("AZ_")} == {
            "AZ_BATCH_NODE_ROOT_DIR",
            "AZ_BATCH_TASK_DIR",
        }

    async def test_it_reaches_further_from_there(self, bench: Bench) -> None:
        for number in (0, 1):
            await bench.ended(coordination(number, "true"))
        first, second = HOSTS[0][0], HOSTS[1][0]
        await bench.ended(application(f"ssh u@{second} ssh {first} pwd"))
        assert file_of(bench, 0, "stdout.txt").read_text() == f"{file_of(bench, 0, 'wd')}\n"

    async def test_other_hosts_are_left_to_the_real_one(self, bench: Bench) -> None:
        real = bench.nodes_dir / "real" / "ssh"
        real.parent.mkdir()
        real.write_text("#!/bin/sh\necho real $*\n")
        real.chmod(0o755)
        await bench.ended(coordination(0, "true"))
        await bench.ended(
            application(f"PATH=${{PATH%%:*}}:{real.parent}:/bin; ssh -p 22 elsewhere.example ls; ssh")
        )
        assert "real -p 22 elsewhere.example ls\nreal\n" in file_of(bench, 0, "stdout.txt").read_text()

    async def test_without_a_real_one_it_says_so(self, bench: Bench) -> None:
        await bench.ended(coordination(0, "true"))
        ended = await bench.ended(application("PATH=${PATH%%:*}:/nowhere ssh elsewhere"))
        assert ended.exit_code == 127
        assert "no node of this task" in file_of(bench, 0, "stderr.txt").read_text()

    async def test_what_runs_there_ends_with_that_node(self, bench: Bench) -> None:
        for number in (0, 1):
            await bench.ended(coordination(number, "true"))
        bench.host.carry_out(
            application(f'ssh {HOSTS[1][0]} "echo \\$\\$ > pid; exec sleep 600"; echo $? > lost')
        )
        pid = await pid_in(file_of(bench, 1, "wd/pid"))
        bench.host.carry_out(ReleaseNode("p", "n1", "b"))
        await bench.heard(NodeReleased)
        await until_dead(pid)
        await until(lambda: file_of(bench, 0, "wd/lost").exists(), "the primary to see its loss")

    async def test_what_runs_there_ends_with_the_task(self, bench: Bench) -> None:
        for number in (0, 1):
            await bench.ended(coordination(number, "true"))
        bench.host.carry_out(application(f'ssh {HOSTS[1][0]} "echo \\$\\$ > pid; exec sleep 600"'))
        pid = await pid_in(file_of(bench, 1, "wd/pid"))
        bench.host.carry_out(KillRun("r1"))
        await until_dead(pid)


@pytest.mark.parametrize("has_name", [True, False])
def test_where_nodes_cannot_have_names_mpi_is_kept_from_what_needs_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has_name: bool
) -> None:
    """What the system allows cannot be had both ways on one machine, so it is replaced here."""
    become: list[dict[str, str]] = []
    (tmp_path / "wd").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(remote_shell, "take_host_name", lambda name: has_name)
    monkeypatch.setattr(os, "execve", lambda program, arguments, environment: become.append(environment))
    remote_shell.run_on(remote_shell.parse(["127.1.2.3", "true"]), str(tmp_path), str(tmp_path))
    assert ("OMPI_MCA_btl" in become[0]) == (not has_name)


def test_only_tasks_that_ask_for_no_administrator_let_root_run_mpi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    layout = NodeLayout(Path("/r"))
    assert "OMPI_ALLOW_RUN_AS_ROOT" in launcher_defaults(layout, is_admin=False)
    assert "OMPI_ALLOW_RUN_AS_ROOT" not in launcher_defaults(layout, is_admin=True)


async def test_the_users_settings_win_over_those_for_launchers(bench: Bench) -> None:
    run = coordination(0, "echo $OMPI_MCA_plm_rsh_agent $HYDRA_LAUNCHER_EXEC")
    changed = StartRun(**{**run.__dict__, "environment": (("OMPI_MCA_plm_rsh_agent", "mine"),)})
    await bench.ended(changed)
    mine, shell = file_of(bench, 0, "stdout.txt").read_text().split()
    assert (mine, shell) == ("mine", f"{bench.nodes_dir}/p/n0/volatile/bin/ssh")
