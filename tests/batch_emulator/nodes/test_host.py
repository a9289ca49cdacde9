"""Nodes and runs through a real agent: what is reported, in which order, and what is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

import pytest

from batch_emulator.nodes.containers.containers import Containers
from batch_emulator.nodes.containers.detection import EngineSettings
from batch_emulator.nodes.environment import AccountFacts
from batch_emulator.nodes.host import Host
from batch_emulator.nodes.launcher import Launcher
from batch_emulator.nodes.mounts.mounts import Mounts
from batch_emulator.nodes.output_files import OutputFiles
from batch_emulator.nodes.packages import Packages
from batch_emulator.nodes.resource_files import ResourceFiles
from batch_emulator.nodes.runs import NodeServices
from batch_emulator.nodes.transfer import Fetcher
from batch_emulator.service.effects import (
    KillRun,
    PackageInstall,
    ReleaseNode,
    RemoveTaskFiles,
    StartRun,
)
from batch_emulator.service.events import (
    Event,
    NodeBooted,
    NodeBootFailed,
    NodeReleased,
    RunEnded,
    RunLost,
    RunStarted,
)
from batch_emulator.service.resource_use import NOTHING
from tests.batch_emulator.nodes.builders import a_boot, a_run
from tests.batch_emulator.nodes.waiting import pid_in, until, until_dead

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
E = TypeVar("E")


class Bench:
    """A host, and all it has reported."""

    def __init__(self, folder: Path) -> None:
        self.events: list[Event] = []
        self.nodes_dir = folder / "nodes"
        self.root = self.nodes_dir / "p" / "n"
        self.launcher = Launcher(self.nodes_dir, lambda error: None)
        self.fetcher = Fetcher()
        services = NodeServices(
            AccountFacts("acc", "http://acc"),
            self.launcher,
            Packages(folder / "packages", self.fetcher, None),
            ResourceFiles(self.fetcher, None),
            OutputFiles(None),
            Containers(EngineSettings(), self.nodes_dir, folder / "containers-were-made"),
            Mounts(None),
            lambda: NOW,
        )
        self.host = Host(self.nodes_dir, services, self.events.append)

    async def heard(self, kind: type[E], count: int = 1) -> E:
        await until(lambda: sum(isinstance(event, kind) for event in self.events) >= count, kind.__name__)
        return [event for event in self.events if isinstance(event, kind)][count - 1]

    async def ended(self, run: StartRun) -> RunEnded:
        self.host.carry_out(run)
        await until(
            lambda: any(isinstance(e, RunEnded) and e.run_id == run.run_id for e in self.events), "the end"
        )
        return next(e for e in self.events if isinstance(e, RunEnded) and e.run_id == run.run_id)

    def task_file(self, name: str) -> Path:
        return self.root / "workitems/j/job-1/t" / name


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    await bench.launcher.start()
    bench.host.carry_out(a_boot())
    await bench.heard(NodeBooted)
    yield bench
    await bench.host.stop()
    await bench.fetcher.close()


async def test_a_boot_makes_the_folders_and_names_an_address(bench: Bench) -> None:
    booted = await bench.heard(NodeBooted)
    assert (booted.pool_id, booted.node_id, booted.boot_id) == ("p", "n", "b")
    assert booted.ip_address.startswith("127.")
    assert (bench.root / "shared").is_dir()


async def test_what_a_run_used_is_reported(bench: Bench) -> None:
    spin = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"
    ended = await bench.ended(a_run(f"/bin/sh -c '{spin}'"))
    assert ended.use.user > 1000
    assert (await bench.ended(a_run("/no/such/program", run_id="r2"))).use == NOTHING


async def test_a_run_is_reported_started_then_ended(bench: Bench) -> None:
    ended = await bench.ended(a_run("/bin/sh -c 'echo hi; exit 4'"))
    assert bench.events[1:] == [
        RunStarted("r1", NOW),
        RunEnded("r1", NOW, exit_code=4, failure=None, phase="process", killed=False, use=ended.use),
    ]
    assert ended.exit_code == 4
    assert bench.task_file("stdout.txt").read_text() == "hi\n"


async def test_the_task_runs_in_its_directory_with_its_variables(bench: Bench) -> None:
    run = a_run("/bin/sh -c 'pwd; env'", environment=(("MINE", "1"),))
    await bench.ended(run)
    directory, *variables = bench.task_file("stdout.txt").read_text().splitlines()
    assert directory == str(bench.task_file("wd"))
    assert {"MINE=1", "AZ_BATCH_TASK_ID=t", f"AZ_BATCH_NODE_ROOT_DIR={bench.root}"} <= set(variables)


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (a_run("no-such-program"), "CommandProgramNotFound"),
        (a_run("/bin/sh 'open"), "CommandLaunchFailed"),
        (a_run(packages=(PackageInstall("app", "1", "c/b", True),)), "ApplicationPackageError"),
        (
            a_run(spec={"resourceFiles": [{"httpUrl": "http://127.0.0.1:1/x?sig=s", "filePath": "../x"}]}),
            "ResourceFileCreateFailed",
        ),
        (
            a_run(spec={"resourceFiles": [{"autoStorageContainerName": "c"}]}),
            "ResourceContainerAccessDenied",
        ),
    ],
)
async def test_what_fails_before_the_process_is_a_preprocessing_failure(
    bench: Bench, run: StartRun, code: str
) -> None:
    ended = await bench.ended(run)
    assert (ended.phase, ended.exit_code, ended.killed) == ("preprocessing", None, False)
    assert ended.failure is not None
    assert ended.failure.code == code
    assert not any(isinstance(event, RunStarted) for event in bench.events)
    assert bench.task_file("stdout.txt").read_text() == ""


async def test_output_files_without_a_match_are_no_failure_and_leave_a_log(bench: Bench) -> None:
    output = {
        "filePattern": "*.none",
        "destination": {"container": {"containerUrl": "http://127.0.0.1:1/c?sig=s"}},
        "uploadOptions": {"uploadCondition": "taskcompletion"},
    }
    ended = await bench.ended(a_run(spec={"outputFiles": [output]}))
    assert (ended.failure, ended.exit_code) == (None, 0)
    assert "matched 0 file(s)" in bench.task_file("fileuploadout.txt").read_text()
    assert bench.task_file("fileuploaderr.txt").read_text() == ""


async def test_no_upload_log_when_no_condition_applies(bench: Bench) -> None:
    output: dict[str, Any] = {
        "filePattern": "*",
        "destination": {"container": {"containerUrl": "http://127.0.0.1:1/c"}},
        "uploadOptions": {"uploadCondition": "taskfailure"},
    }
    await bench.ended(a_run(spec={"outputFiles": [output]}))
    assert not bench.task_file("fileuploadout.txt").exists()


async def test_a_retry_has_fresh_streams(bench: Bench) -> None:
    await bench.ended(a_run("/bin/sh -c 'echo one; touch kept'"))
    await bench.ended(a_run("/bin/sh -c 'ls'", run_id="r2"))
    assert bench.task_file("stdout.txt").read_text() == "kept\n"


async def test_kill_ends_a_running_process_and_its_children(bench: Bench) -> None:
    bench.host.carry_out(a_run("/bin/sh -c 'sleep 600 & echo $! > child; wait'"))
    child = await pid_in(bench.task_file("wd/child"))
    await bench.heard(RunStarted)
    bench.host.carry_out(KillRun("r1"))
    ended = await bench.heard(RunEnded)
    assert (ended.killed, ended.phase, ended.exit_code, ended.failure) == (True, "process", 137, None)
    await until_dead(child)


async def test_kill_ends_a_download(bench: Bench) -> None:
    reached = asyncio.Event()

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        reached.set()
        await reader.read()  # until the client hangs up
        writer.close()

    async with await asyncio.start_server(stall, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        file = {"httpUrl": f"http://127.0.0.1:{port}/x", "filePath": "x"}
        bench.host.carry_out(a_run(spec={"resourceFiles": [file]}))
        await asyncio.wait_for(reached.wait(), 60)
        bench.host.carry_out(KillRun("r1"))
        ended = await bench.heard(RunEnded)
    assert (ended.killed, ended.phase, ended.exit_code) == (True, "preprocessing", None)


async def test_kill_right_after_the_start_is_reported_once(bench: Bench) -> None:
    for number in range(20):
        run = a_run("/bin/sleep 600", run_id=f"k{number}", task_root=f"workitems/j/job-1/t{number}")
        bench.host.carry_out(run)
        for _ in range(number):
            await asyncio.sleep(0)  # let it get a little further each time
        bench.host.carry_out(KillRun(run.run_id))
        bench.host.carry_out(KillRun(run.run_id))
    await bench.heard(RunEnded, 20)
    await until(lambda: not bench.host._runs)
    ends = [event for event in bench.events if isinstance(event, RunEnded)]
    assert sorted(end.run_id for end in ends) == sorted(f"k{number}" for number in range(20))
    assert all(end.killed for end in ends)


async def test_a_run_asked_for_during_the_boot_waits_for_it(bench: Bench) -> None:
    bench.host.carry_out(a_boot(node_id="n2"))
    bench.host.carry_out(a_run(node_id="n2"))
    await bench.heard(RunEnded)
    assert [type(event) for event in bench.events[1:]] == [NodeBooted, RunStarted, RunEnded]


async def test_a_boot_that_cannot_install_its_packages_fails(bench: Bench) -> None:
    package = PackageInstall("app", "1", "c/b", is_default=True)
    bench.host.carry_out(a_boot(node_id="n2", packages=(package,)))
    failed = await bench.heard(NodeBootFailed)
    assert failed.failure.code == "ApplicationPackageError"
    assert ("ApplicationPackageReference", "app:1") in failed.failure.details


async def test_a_release_ends_runs_and_removes_the_disk(bench: Bench) -> None:
    bench.host.carry_out(a_run("/bin/sh -c '(setsid sleep 600 & echo $! > far); echo $$ > me; sleep 600'"))
    pids = [await pid_in(bench.task_file(f"wd/{name}")) for name in ("far", "me")]
    bench.host.carry_out(ReleaseNode("p", "n", "b"))
    await bench.heard(NodeReleased)
    assert [type(event) for event in bench.events[1:]] == [RunStarted, RunEnded, NodeReleased]
    await until_dead(*pids)
    assert list(bench.nodes_dir.iterdir()) == []
    assert bench.host.folders() == set()


async def test_a_reboot_ends_what_the_start_task_left_and_keeps_the_disk(bench: Bench) -> None:
    start = a_run(
        "/bin/sh -c 'sleep 600 & echo $! > service'", kind="start", task_root="startup", job_id=None
    )
    await bench.ended(start)
    service = await pid_in(bench.root / "startup/wd/service")
    os.kill(service, 0)
    bench.host.carry_out(a_boot(boot_id="b2", wipe=False))
    assert (await bench.heard(NodeBooted, 2)).boot_id == "b2"
    await until_dead(service)
    assert (bench.root / "startup/stdout.txt").exists()


async def test_removed_task_files_are_gone(bench: Bench) -> None:
    await bench.ended(a_run())
    bench.host.carry_out(RemoveTaskFiles("p", "n", "workitems/j/job-1/t"))
    await until(lambda: not bench.task_file("wd").exists())
    await until(lambda: list((bench.root / "workitems").iterdir()) == [])


async def test_a_run_that_waits_for_its_node_is_under_way(bench: Bench) -> None:
    """Time that is moved waits for it as for one that was begun."""
    await bench.ended(a_run())
    bench.host.carry_out(RemoveTaskFiles("p", "n", "workitems/j/job-1/t"))
    bench.host.carry_out(a_run("/bin/true", run_id="r2"))
    assert bench.host.under_way.is_fresh(3600)
    await bench.heard(RunEnded, 2)
    assert not bench.host.under_way.is_fresh(3600)


async def test_runs_of_a_dead_agent_are_lost(bench: Bench) -> None:
    bench.host.carry_out(a_run("/bin/sleep 600"))
    await bench.heard(RunStarted)
    agent = bench.launcher.agent_pid
    assert agent is not None
    os.kill(agent, signal.SIGKILL)
    assert (await bench.heard(RunLost)).run_id == "r1"
    assert (await bench.ended(a_run("/bin/true", run_id="r2"))).exit_code == 0


async def test_stop_reports_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.launcher.start()
    bench.host.carry_out(a_boot())
    bench.host.carry_out(a_run("/bin/sh -c 'echo $$ > me; sleep 600'"))
    me = await pid_in(bench.task_file("wd/me"))
    await bench.host.stop()
    await until_dead(me)
    assert not any(isinstance(event, RunEnded | RunLost) for event in bench.events)
