"""Count the k-mers of a genome by shards, and put the counts together: one Batch job.

The shards overlap by k - 1 letters, so that what lies across a cut is counted, and once.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, Param

from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.package import AzureBatchApplicationPackageOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import JobGraph, Pool, blob, pending_tasks, shell

SHARDS = 8
POOL = Pool(id="kmers", vm_size="standard_d2s_v5", scale=pending_tasks(max_nodes=4, spot=True), task_slots=2)
FOUND = blob("outgoing/kmers/{{ params.genome }}/k{{ params.k }}/")


def run(step: str) -> list[str]:
    """A step of `kmers/kmers.py`, from the application package's default version."""
    return shell(f'exec python3 "$AZ_BATCH_APP_PACKAGE_kmers/kmers.py" {step}')


def count(number: int) -> dict:
    return {
        "command": run("count -k {{ params.k }} shard.fasta"),
        "inputs": {"shard.fasta": cut.output(f"shard-{number:03}.fasta")},
        "outputs": ["counts.tsv"],
        "packages": ["kmers"],
        "max_retries": 1,
    }


graph = JobGraph()
cut = graph.task(
    "cut",
    run(f"cut -k {{{{ params.k }}}} --shards {SHARDS} genome"),
    inputs={"genome": blob("inputs/{{ params.genome }}")},
    outputs=["shard-*.fasta"],
    packages=["kmers"],
)
graph.merge(
    "merge",
    run("merge"),
    of=graph.fan_out("count", range(SHARDS), count),
    collect="counts.tsv",
    outputs={name: FOUND / name for name in ("counts.tsv", "spectrum.tsv", "report.json")},
    result="report.json",
    packages=["kmers"],
)

with DAG(
    "kmer_count",
    description="The k-mers of a genome, counted by shards",
    schedule=None,
    params={
        "genome": Param("genome.fasta.gz", type="string", description="A FASTA file in `inputs`"),
        "k": Param(9, type="integer", minimum=1, maximum=31, description="Length of a k-mer"),
    },
    tags=["azure-batch", "gallery"],
    doc_md=__doc__,
):
    package = AzureBatchApplicationPackageOperator(
        task_id="package", application_id="kmers", path=str(Path(__file__).parent / "kmers")
    )
    pool = AzureBatchPoolOperator(task_id="pool", batch_pool=POOL)
    [package, pool] >> AzureBatchJobOperator(task_id="count", pool_id=POOL.id, graph=graph)
