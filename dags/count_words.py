"""Count the words of a text in four parts at once. The README shows this DAG."""

from airflow.sdk import DAG

from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import JobGraph, Pool, blob, pending_tasks, shell

graph = JobGraph()
book = {"book.txt": blob("incoming/book.txt")}
split = graph.task("split", "split -n l/4 -d book.txt part-", inputs=book, outputs=["part-*"])


def count(number: int) -> dict:
    part = {"part": split.output(f"part-{number:02}")}
    return {"command": shell("wc -w < part > words"), "inputs": part, "outputs": ["words"]}


counts = graph.fan_out("count", range(4), count)
graph.merge(
    "total",
    shell("cat */words | awk '{n += $1} END {print n}' > total.txt"),
    of=counts,
    collect="words",
    outputs={"total.txt": blob("outgoing/total.txt")},
)

with DAG("count_words", schedule=None):
    words = Pool(id="words", vm_size="standard_d2s_v5", scale=pending_tasks(max_nodes=4, spot=True))
    pool = AzureBatchPoolOperator(task_id="pool", batch_pool=words)
    AzureBatchJobOperator(task_id="count", pool_id=pool.output, graph=graph)
