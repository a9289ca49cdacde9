"""`batch-emulator serve` as a process, and the official client for it."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from azure.batch import models
from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from batch_emulator.cli import READY_LINE

SECONDS = 60.0


class Served:
    """One run of the emulator on a folder."""

    def __init__(self, process: asyncio.subprocess.Process, facts: dict[str, str]) -> None:
        self.process = process
        self.facts = facts

    @property
    def endpoint(self) -> str:
        return self.facts["endpoint"]

    def client(self) -> BatchClient:
        credential = AzureNamedKeyCredential(self.facts["account"], self.facts["key"])
        return BatchClient(self.endpoint, credential)

    async def kill(self) -> None:
        self.process.kill()
        await asyncio.wait_for(self.process.wait(), SECONDS)

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait. Returns the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), SECONDS)


async def run(*arguments: str | Path, **more: Any) -> asyncio.subprocess.Process:
    """Start `batch-emulator` with arguments."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "batch_emulator",
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        **more,
    )


@asynccontextmanager
async def served(data_dir: Path, *options: str) -> AsyncIterator[Served]:
    """Serve an account on a free port until the end of the block."""
    process = await run("serve", "--port", "0", "--data-dir", data_dir, *options)
    try:
        assert process.stdout is not None
        facts: dict[str, str] = {}
        while line := (await asyncio.wait_for(process.stdout.readline(), SECONDS)).decode().strip():
            if line == READY_LINE:
                break
            name, _, value = line.partition(": ")
            facts[name] = value
        yield Served(process, facts)
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), SECONDS)


async def eventually(ask: Callable[[], Awaitable[Any]], good: Callable[[Any], bool]) -> Any:
    """Ask until the answer is good; fail after a bounded time."""
    deadline = time.monotonic() + SECONDS
    while not good(answer := await ask()):
        assert time.monotonic() < deadline, f"the last answer was {answer}"
        await asyncio.sleep(0.02)
    return answer


def a_pool(pool_id: str, nodes: int, **more: Any) -> models.BatchPoolCreateOptions:
    """A pool of Linux nodes."""
    return models.BatchPoolCreateOptions(
        id=pool_id,
        vm_size="Standard_D2s_v3",
        target_dedicated_nodes=nodes,
        virtual_machine_configuration=models.VirtualMachineConfiguration(
            image_reference=models.BatchVmImageReference(
                publisher="canonical", offer="ubuntu-24_04-lts", sku="server", version="latest"
            ),
            node_agent_sku_id="batch.node.ubuntu 24.04",
        ),
        **more,
    )


def a_job(job_id: str, pool_id: str, **more: Any) -> models.BatchJobCreateOptions:
    """A job on a pool."""
    return models.BatchJobCreateOptions(id=job_id, pool_info=models.BatchPoolInfo(pool_id=pool_id), **more)


def a_task(task_id: str, script: str, **more: Any) -> models.BatchTaskCreateOptions:
    """A task that runs a shell script, which has to be free of single quotes."""
    return models.BatchTaskCreateOptions(id=task_id, command_line=f"/bin/sh -c '{script}'", **more)
