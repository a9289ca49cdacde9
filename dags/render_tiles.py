"""Render a picture by tiles: a Batch task a tile, all at once, and one that puts them together.

The scene and the program are blobs, named and not copied: nodes fetch them by themselves.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param
from ray_tracing.tracer import windows

from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import JobGraph, Pool, blob, pending_tasks

POOL = Pool(id="render", vm_size="standard_d2s_v5", scale=pending_tasks(max_nodes=4, spot=True), task_slots=2)


def picture(scene: str, program: str, image: str, size: list[int], grid: list[int]) -> JobGraph:
    """A task for each window of the picture; runs in an Airflow worker."""
    graph = JobGraph()
    inputs = {"tracer.py": blob(program), "scene.json": blob(scene)}

    def tile(item: tuple) -> dict:
        window = [str(number) for number in item[1]]
        command = ["python3", "tracer.py", "window", *window]
        return dict(command=command, inputs=inputs, outputs=["window.ppm"], max_retries=2)

    tiles = graph.fan_out(
        "tile", windows(*size, *grid).items(), tile, key=lambda item: "{}-{}".format(*item[0])
    )
    graph.merge(
        "join",
        ["python3", "tracer.py", "join", *map(str, grid)],
        of=tiles,
        collect="window.ppm",
        inputs=inputs,
        outputs={"image.png": blob(image)},
    )
    return graph


with DAG(
    "render_tiles",
    description="A picture by tiles, each a Batch task",
    schedule=None,
    params={
        "scene": Param("inputs/render_tiles/scene.json", type="string", description="A blob"),
        "program": Param("inputs/render_tiles/tracer.py", type="string", description="A blob"),
        "image": Param("outgoing/render_tiles/image.png", type="string", description="A blob"),
        "size": Param([640, 480], type="array", description="Width and height in pixels, as in the scene"),
        "grid": Param([4, 3], type="array", description="Columns and rows of tiles"),
    },
    render_template_as_native_obj=True,
    tags=["azure-batch", "gallery"],
    doc_md=__doc__,
):
    pool = AzureBatchPoolOperator(task_id="pool", batch_pool=POOL)
    AzureBatchJobOperator(
        task_id="render",
        pool_id=pool.output,
        graph=picture,
        graph_kwargs={
            "scene": "{{ params.scene }}",
            "program": "{{ params.program }}",
            "image": "{{ params.image }}",
            "size": "{{ params.size }}",
            "grid": "{{ params.grid }}",
        },
        log_tasks=["join"],
    )
