"""Makes a data folder as the emulator's first version left it.

Run it as `python -m tests.batch_emulator.journal.version_1 DIR`. Its format is repeated here, not
imported: it must stay what it was.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

TIME = {"$t": "2026-01-02T03:04:05.000600+00:00"}
FAILURE = {"$f": ["FailureExitCode", "The task exited with an exit code", "usererror", [["Message", "why"]]]}
COMMON = {"creation_time": TIME, "last_modified": TIME, "state_transition_time": TIME}
UNLIMITED = "P10675199DT2H48M5.4775807S"
USER = {"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}}
POOL_SPEC = {
    "vmSize": "standard_d2s_v3",
    "virtualMachineConfiguration": {
        "imageReference": {
            "publisher": "canonical",
            "offer": "0001-com-ubuntu-server-jammy",
            "sku": "22_04-lts",
            "version": "latest",
        },
        "nodeAgentSKUId": "batch.node.ubuntu 22.04",
    },
    "resizeTimeout": "PT15M",
    "enableInterNodeCommunication": False,
    "taskSlotsPerNode": 1,
    "taskSchedulingPolicy": {"nodeFillType": "Spread"},
    "enableAutoScale": False,
}
JOB_SPEC = {
    "usesTaskDependencies": True,
    "poolInfo": {"poolId": "P"},
    "priority": 0,
    "allowTaskPreemption": False,
    "maxParallelTasks": -1,
    "constraints": {"maxWallClockTime": UNLIMITED, "maxTaskRetryCount": 0},
    "onAllTasksComplete": "noaction",
    "onTaskFailure": "noaction",
}


def records() -> list[tuple[str, str, dict[str, Any]]]:
    """A pool without nodes, a job, and so many tasks that they do not fit into one go."""
    pool = {
        **COMMON,
        "id": "P",
        "etag": "0x8DE0000000000A0",
        "state": "active",
        "spec": POOL_SPEC,
        "allocation_state_transition_time": TIME,
    }
    job = {
        **COMMON,
        "id": "J",
        "etag": "0x8DE0000000000B0",
        "state": "active",
        "pool_id": "P",
        "tasks_added": 1200,
        "spec": JOB_SPEC,
    }
    return [("pool", "p", pool), ("job", "j", job), *(("task", f"j/t{n}", task(n)) for n in range(1200))]


def task(number: int) -> dict[str, Any]:
    """A task that failed, if its number is even; one that waits, if it is odd."""
    record: dict[str, Any] = {
        **COMMON,
        "id": f"T{number}",
        "etag": f"0x8DE000000{number:06X}",
        "state": "active",
        "job_id": "J",
        "number": number + 1,
        "spec": {
            "commandLine": "/bin/true",
            "requiredSlots": 1,
            # A setting may look like a mark of this format and is none.
            "environmentSettings": [{"name": "$t", "value": "$f"}],
            "userIdentity": USER,
            "constraints": {"maxWallClockTime": UNLIMITED, "retentionTime": "P7D", "maxTaskRetryCount": 0},
        },
    }
    if number % 2 == 0:
        record |= {
            "state": "completed",
            "previous_state": "running",
            "previous_state_transition_time": TIME,
            "start_time": TIME,
            "end_time": TIME,
            "exit_code": 4,
            "failure": FAILURE,
            "result": "failure",
            "satisfies": False,
        }
    return record


def make(data_dir: Path) -> None:
    """Write the folder."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(data_dir / "journal.sqlite", isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        connection.execute(
            "CREATE TABLE records (kind TEXT NOT NULL, key TEXT NOT NULL, record BLOB NOT NULL, "
            "PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )
        connection.execute("INSERT INTO meta VALUES ('schema_version', '1'), ('account', 'account')")
        connection.executemany(
            "INSERT INTO records VALUES (?, ?, ?)",
            [(kind, key, json.dumps(record).encode()) for kind, key, record in records()],
        )
    connection.close()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
