"""No-op tasks from the bulk call to the last one's end, against others that start as many processes.

All run the same program with the same number of slots, in turn, round by round, so that a drift of the
machine's speed meets all alike; what is shown are medians over the rounds. The bare loop makes a directory
and two log files for each process, starts it and reaps it, and does nothing else. It runs before and after
the emulator in each round. Peers run fewer tasks than the emulator: their speed is steady. On a machine that
others use too, the tasks per CPU second say more than those per second.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from azure.batch import models

from benchmarks.emulator import make_pool, running
from benchmarks.table import Row

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
TASKS = 10_000
NODES, SLOTS_PER_NODE = 4, 4
SLOTS = NODES * SLOTS_PER_NODE
PROGRAM = "/bin/true"
PEER_PYTHON = Path(".venv.bench/bin/python")
_PATIENCE_SECONDS = 1800.0

# What a measurement gives: tasks per second, and CPU seconds per task where they are known.
Measured = tuple[float, float | None]


def rows() -> list[Row]:
    """Tasks per second against HyperQueue, GNU parallel and a bare loop; CPU against the bare loop."""
    measures: dict[str, Callable[[], Measured | None]] = {
        "bare": lambda: _bare_loop(SLOTS),
        "ours": _emulator,
        "bare after": lambda: _bare_loop(SLOTS),
        "one": lambda: _bare_loop(1),
        "hyperqueue": _hyperqueue,
        "parallel": _parallel,
    }
    rounds: list[dict[str, Measured | None]] = []
    for number in range(ROUNDS):
        print(f"throughput, round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
        rounds.append({name: measure() for name, measure in measures.items()})

    def median(name: str, place: int) -> float | None:
        found = [each[key][place] for each in rounds for key in each if key.startswith(name) and each[key]]
        return statistics.median(found) if found else None

    ours, ours_cpu, bare_cpu = median("ours", 0), median("ours", 1), median("bare", 1)
    assert ours is not None
    name = f"{TASKS} tasks, {NODES} nodes x {SLOTS_PER_NODE} slots"
    absent = {"hyperqueue": "HyperQueue (make bench sets it up)", "parallel": "GNU parallel (not installed)"}
    peers = [
        ("bare", f"bare loop, {SLOTS} at a time", 0.6),
        ("one", "bare loop, one at a time", 0.6),
        ("hyperqueue", "HyperQueue", 1.0),
        ("parallel", "GNU parallel", 1.0),
    ]
    result = []
    for peer, title, aim in peers:
        theirs = median(peer, 0)
        shown = title if theirs is not None else absent[peer]
        result.append(Row(name, ours, "tasks/s", shown, theirs, at_least=aim))
    assert ours_cpu is not None
    assert bare_cpu is not None
    title = f"bare loop, {SLOTS} at a time"
    result.append(Row(f"{name}, a CPU second", 1 / ours_cpu, "tasks", title, 1 / bare_cpu, at_least=0.6))
    return result


def _emulator() -> Measured:
    with running() as emulator:
        client = emulator.client
        make_pool(client, "p", NODES, SLOTS_PER_NODE)
        client.create_job(models.BatchJobCreateOptions(id="j", pool_info=models.BatchPoolInfo(pool_id="p")))
        tasks = [
            models.BatchTaskCreateOptions(id=f"t{number}", command_line=PROGRAM) for number in range(TASKS)
        ]
        used, begin = emulator.usage(), time.perf_counter()
        client.create_tasks("j", tasks)
        while True:
            counts = client.get_job_task_counts("j").task_counts
            spent = time.perf_counter() - begin
            if counts.completed == TASKS:
                break
            if spent > _PATIENCE_SECONDS:
                raise TimeoutError(f"{counts.completed} of {TASKS} tasks were completed")
            time.sleep(0.1)
        assert counts.succeeded == TASKS
        return TASKS / spent, (emulator.usage() - used).total / TASKS


def _bare_loop(width: int, count: int = 2000) -> Measured:
    folder = tempfile.mkdtemp(prefix="batch-bench-")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    live = 0
    begin, used = time.perf_counter(), os.times()
    for number in range(count):
        directory = f"{folder}/{number}"
        os.mkdir(directory)
        streams = [os.open(f"{directory}/{name}.txt", flags, 0o644) for name in ("stdout", "stderr")]
        actions = [(os.POSIX_SPAWN_DUP2, stream, target) for target, stream in enumerate(streams, 1)]
        os.posix_spawn(PROGRAM, [PROGRAM], {}, file_actions=actions)
        for stream in streams:
            os.close(stream)
        live += 1
        if live >= width:
            os.wait()
            live -= 1
    while live:
        os.wait()
        live -= 1
    spent, now = time.perf_counter() - begin, os.times()
    shutil.rmtree(folder)
    return count / spent, (sum(now[:4]) - sum(used[:4])) / count


# Run by the peer's Python. The submission of the tasks is part of the time, as it is for the emulator.
_HYPERQUEUE = """
import json, sys, time
from hyperqueue import Job
from hyperqueue.cluster import LocalCluster, WorkerConfig
folder, program, slots, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with LocalCluster() as cluster:
    cluster.start_worker(WorkerConfig(cores=slots))
    client = cluster.client()
    job = Job(default_workdir=folder)
    for number in range(count):
        job.program([program], stdout=f"{folder}/{number}.out", stderr=f"{folder}/{number}.err")
    begin = time.perf_counter()
    client.wait_for_jobs([client.submit(job)])
    print("\\n" + json.dumps(time.perf_counter() - begin))
"""


def _hyperqueue(count: int = 1000) -> Measured | None:
    if not PEER_PYTHON.exists():
        return None
    with tempfile.TemporaryDirectory(prefix="batch-bench-") as folder:
        done = subprocess.run(
            [str(PEER_PYTHON), "-c", _HYPERQUEUE, folder, PROGRAM, str(SLOTS), str(count)],
            check=False,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
        )
        if "No module named 'hyperqueue'" in done.stderr:
            return None
        done.check_returncode()
    return count / float(json.loads(done.stdout.splitlines()[-1])), None


def _parallel(count: int = 300) -> Measured | None:
    if shutil.which("parallel") is None:
        return None
    numbers = "\n".join(map(str, range(count)))
    with tempfile.TemporaryDirectory(prefix="batch-bench-") as folder:
        # --results: a directory and the two streams as files for every task, as the others have.
        command = ["parallel", "--will-cite", f"-j{SLOTS}", "--results", folder, PROGRAM, "#", "{}"]
        begin = time.perf_counter()
        subprocess.run(command, input=numbers, text=True, check=True, capture_output=True, timeout=1800)
        spent = time.perf_counter() - begin
    return count / spent, None
