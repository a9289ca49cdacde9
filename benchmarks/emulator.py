"""A running emulator for benchmarks, and what it uses up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from azure.batch import BatchClient, models
from azure.core.credentials import AzureNamedKeyCredential

__all__ = ["Emulator", "Usage", "make_pool", "running"]

_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Usage:
    """CPU seconds: of the server, of its node agents, of all processes that tasks were."""

    server: float
    agents: float
    tasks: float

    def __sub__(self, earlier: Usage) -> Usage:
        return Usage(self.server - earlier.server, self.agents - earlier.agents, self.tasks - earlier.tasks)

    @property
    def total(self) -> float:
        return self.server + self.agents + self.tasks


@dataclass(frozen=True)
class Emulator:
    """An emulator in a process of its own.

    :param ready_after: wall-clock seconds from its start until it served, and
    :param ready_cost: CPU seconds that this took.
    """

    pid: int
    client: BatchClient
    ready_after: float
    ready_cost: float

    def usage(self) -> Usage:
        """What has been used so far."""
        own, _ = _cpu(self.pid)
        agents = [_cpu(int(child)) for child in _children(self.pid)]
        return Usage(own, sum(own for own, _ in agents), sum(reaped for _, reaped in agents))

    def memory(self) -> int:
        """Bytes that the server has in memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running() -> Iterator[Emulator]:
    """An emulator on a fresh folder, stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="batch-bench-"))
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "batch_emulator", "serve", "--port", "0", "--data-dir", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        facts = _announced(process)
        ready_after, ready_cost = time.perf_counter() - begin, _cpu(process.pid)[0]
        credential = AzureNamedKeyCredential(facts["account"], facts["key"])
        with BatchClient(facts["endpoint"], credential) as client:
            yield Emulator(process.pid, client, ready_after, ready_cost)
    finally:
        process.terminate()
        process.wait(_PATIENCE_SECONDS)
        shutil.rmtree(folder)


def _announced(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    facts = {}
    for line in process.stdout:
        if line.strip() == "ready":
            return facts
        name, _, value = line.strip().partition(": ")
        facts[name] = value
    raise RuntimeError(f"the emulator ended with status {process.wait()}")


def make_pool(client: BatchClient, pool_id: str, nodes: int, slots: int) -> None:
    """A pool whose nodes are ready.

    :param slots: of each node.
    """
    image = models.BatchVmImageReference(
        publisher="canonical", offer="0001-com-ubuntu-server-jammy", sku="22_04-lts"
    )
    machine = models.VirtualMachineConfiguration(
        image_reference=image, node_agent_sku_id="batch.node.ubuntu 22.04"
    )
    client.create_pool(
        models.BatchPoolCreateOptions(
            id=pool_id,
            vm_size="standard_d2s_v3",
            target_dedicated_nodes=nodes,
            task_slots_per_node=slots,
            virtual_machine_configuration=machine,
        )
    )
    until = time.monotonic() + _PATIENCE_SECONDS
    while [node.state for node in client.list_nodes(pool_id)] != ["idle"] * nodes:
        if time.monotonic() > until:
            raise TimeoutError("the nodes of the pool did not become idle")
        time.sleep(0.05)


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _cpu(pid: int) -> tuple[float, float]:
    """CPU seconds of a process, and of those that it waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, reaped_user, reaped_system = (int(field) / _TICKS for field in fields[11:15])
    return user + system, reaped_user + reaped_system
