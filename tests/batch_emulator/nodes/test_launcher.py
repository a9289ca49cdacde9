"""Real processes through a real agent: they start, end, and never stay behind."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from batch_emulator.nodes.command_line import Command
from batch_emulator.nodes.directories import TaskLayout
from batch_emulator.nodes.launcher import AgentLostError, Launched, Launcher, NotStartedError
from tests.batch_emulator.nodes.waiting import pid_in, until, until_dead


class Bench:
    """A launcher and one node whose tasks are shell lines."""

    def __init__(self, nodes_dir: Path) -> None:
        self.fatal: list[BaseException] = []
        self.nodes_dir = nodes_dir
        self.root = nodes_dir / "p" / "n"
        self.launcher = Launcher(nodes_dir, self.fatal.append)
        self.count = 0

    async def run(self, script: str, *, linger: bool = False, task: str = "t", **more: str) -> Launched:
        self.count += 1
        return await self.start(
            f"r{self.count}", Command("/bin/sh", ("/bin/sh", "-c", script)), linger, task, more
        )

    async def start(
        self, run_id: str, command: Command, linger: bool, task: str, more: dict[str, str]
    ) -> Launched:
        layout = self.layout(task)
        layout.make()
        environment = {
            "PATH": "/usr/bin:/bin",
            "AZ_BATCH_TASK_DIR": str(layout.directory),
            "AZ_BATCH_NODE_ROOT_DIR": str(self.root),
            **more,
        }
        return await self.launcher.launch(run_id, command, environment, layout, linger=linger)

    def layout(self, task: str = "t") -> TaskLayout:
        return TaskLayout(self.root / task)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "nodes")
    await bench.launcher.start()
    yield bench
    await bench.launcher.stop()
    assert not bench.fatal


async def ended(launched: Launched) -> int:
    return await asyncio.wait_for(launched.ended, 60)


async def test_streams_working_directory_environment_and_exit_code(bench: Bench) -> None:
    launched = await bench.run('echo out; echo err >&2; pwd > here; echo "$A" > a; exit 7', A="1 é")
    assert await ended(launched) == 7
    task = bench.layout()
    assert (task.stdout.read_text(), task.stderr.read_text()) == ("out\n", "err\n")
    assert (task.working / "here").read_text() == f"{task.working}\n"
    assert (task.working / "a").read_text() == "1 é\n"


async def test_standard_input_is_empty_and_the_session_is_new(bench: Bench) -> None:
    launched = await bench.run("cat; ps -o sid= -p $$ 2>/dev/null || cut -d' ' -f6 /proc/$$/stat")
    assert await ended(launched) == 0
    assert int(bench.layout().stdout.read_text()) == launched.pid


@pytest.mark.parametrize(("name", "code"), [("TERM", 143), ("KILL", 137), ("SEGV", 139)])
async def test_a_signal_is_reported_as_a_shell_would(bench: Bench, name: str, code: int) -> None:
    assert await ended(await bench.run(f"kill -{name} $$")) == code


async def test_what_cannot_be_executed_is_told(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"\x7fnot a program")
    (tmp_path / "noise").chmod(0o755)
    with pytest.raises(NotStartedError) as caught:
        await bench.start("r", Command(str(tmp_path / "noise"), ("noise",)), False, "t", {})
    assert caught.value.errno == errno.ENOEXEC
    assert await ended(await bench.run("exit 0")) == 0


async def test_kill_ends_the_whole_tree_also_what_left_the_session(bench: Bench) -> None:
    launched = await bench.run(
        "sleep 600 & echo $! > child; setsid sh -c 'echo $$ > far; sleep 600 & wait' & wait"
    )
    working = bench.layout().working
    pids = [await pid_in(working / "child"), await pid_in(working / "far")]
    bench.launcher.kill("r1")
    assert await ended(launched) == 137
    await until_dead(launched.pid, *pids)


async def test_kill_finds_what_left_session_and_parent(bench: Bench) -> None:
    # The middle process ends at once: its child is the agent's then, in a session of its own.
    launched = await bench.run("(setsid sh -c 'echo $$ > far; exec sleep 600' &) ; sleep 600")
    far = await pid_in(bench.layout().working / "far")
    bench.launcher.kill("r1")
    assert await ended(launched) == 137
    await until_dead(far)


async def test_background_processes_end_with_their_task(bench: Bench) -> None:
    launched = await bench.run(
        "sleep 600 & echo $! > near; (setsid sh -c 'echo $$ > far; exec sleep 600' &); "
        "while ! [ -s far ]; do sleep 0.01; done"
    )
    assert await ended(launched) == 0
    working = bench.layout().working
    await until_dead(await pid_in(working / "near"), await pid_in(working / "far"))


async def test_one_task_ending_leaves_the_others_alone(bench: Bench) -> None:
    other = await bench.run("(setsid sh -c 'echo $$ > far; exec sleep 600' &); sleep 600", task="t2")
    far = await pid_in(bench.layout("t2").working / "far")
    assert await ended(await bench.run("exit 0")) == 0
    assert await ended(await bench.run("sleep 600 & exit 0")) == 0
    os.kill(far, 0)
    os.kill(other.pid, 0)


async def test_what_a_start_task_leaves_running_lives_until_the_node_is_swept(bench: Bench) -> None:
    assert await ended(await bench.run("sleep 600 & echo $! > service", linger=True)) == 0
    service = await pid_in(bench.layout().working / "service")
    assert await ended(await bench.run("exit 0", task="t2")) == 0
    os.kill(service, 0)
    await bench.launcher.sweep(bench.root)
    await until_dead(service)


async def test_a_sweep_ends_the_runs_of_its_node_only(bench: Bench) -> None:
    launched = await bench.run("sleep 600")
    bench.root = bench.nodes_dir / "p" / "n2"
    other = await bench.run("sleep 600")
    await bench.launcher.sweep(bench.nodes_dir / "p" / "n")
    assert await ended(launched) == 137
    os.kill(other.pid, 0)


async def test_when_the_agent_dies_its_runs_are_lost_and_another_agent_works(bench: Bench) -> None:
    launched = await bench.run("sleep 600 & echo $! > child; (setsid sleep 600 &); wait")
    child = await pid_in(bench.layout().working / "child")
    agent = bench.launcher.agent_pid
    assert agent is not None
    os.kill(agent, signal.SIGKILL)
    with pytest.raises(AgentLostError):
        await ended(launched)
    await until(lambda: bench.launcher.agent_pid not in (None, agent))
    await until_dead(launched.pid, child)
    assert await ended(await bench.run("exit 3")) == 3


async def test_an_agent_that_cannot_live_is_fatal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    bench = Bench(tmp_path / "nodes")
    await bench.launcher.start()
    await until(lambda: bench.fatal)
    assert "/bin/false -m batch_emulator.nodes.agent" in str(bench.fatal[0])
    await bench.launcher.stop()


async def test_many_at_once_all_end(bench: Bench) -> None:
    launched = await asyncio.gather(*(bench.run(f"exit {n % 5}", task=f"t{n}") for n in range(60)))
    assert [await ended(one) for one in launched] == [n % 5 for n in range(60)]


async def test_stop_leaves_no_process(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "nodes")
    await bench.launcher.start()
    launched = await bench.run("setsid sleep 600 & sleep 600", linger=True)
    agent = bench.launcher.agent_pid
    assert agent is not None
    await bench.launcher.stop()
    await until_dead(launched.pid, agent)


PARENT = """
import asyncio, pathlib, sys
from batch_emulator.nodes.launcher import Launcher
from tests.batch_emulator.nodes.test_launcher import Bench

async def main():
    bench = Bench(pathlib.Path(sys.argv[1]))
    await bench.launcher.start()
    await bench.run("echo $$ > me; (setsid sh -c 'echo $$ > far; exec sleep 600' &); sleep 600")
    print(bench.launcher.agent_pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_kill_9_of_the_emulator_leaves_no_process(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    agent = int(await parent.stdout.readline())
    pids = [await pid_in(bench.layout().working / name) for name in ("me", "far")]
    parent.kill()
    await asyncio.wait_for(parent.wait(), 60)
    await until_dead(agent, *pids)


async def test_a_start_ends_what_a_killed_emulator_and_agent_left(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "nodes")
    node = {"AZ_BATCH_NODE_ROOT_DIR": str(bench.root)}
    stray = await asyncio.create_subprocess_exec("/bin/sleep", "600", env=node, start_new_session=True)
    elsewhere = {"AZ_BATCH_NODE_ROOT_DIR": str(tmp_path / "nodes2" / "n")}
    bystander = await asyncio.create_subprocess_exec("/bin/sleep", "600", env=elsewhere)
    try:
        await bench.launcher.start()
        assert await asyncio.wait_for(stray.wait(), 60) == -signal.SIGKILL
        assert bystander.returncode is None
    finally:
        bystander.kill()
        await bystander.wait()
        await bench.launcher.stop()


async def test_an_agent_without_an_emulator_says_so() -> None:
    agent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "batch_emulator.nodes.agent"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, words = await asyncio.wait_for(agent.communicate(), 60)
    assert agent.returncode == 2
    assert b"started by the emulator" in words
