"""Tasks. Source: Azure Batch REST reference, *Task*."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.errors import error_core, refusal
from batch_emulator.rest.exchange import Call, Reply, resource_headers
from batch_emulator.rest.handlers.common import change, created, read_one, remove
from batch_emulator.rest.odata.filters import compile_filter
from batch_emulator.rest.odata.lists import TASKS
from batch_emulator.rest.odata.selection import select, selected_names, wants_statistics
from batch_emulator.rest.paging import render_page, start_after
from batch_emulator.rest.render.parts import present, task_url
from batch_emulator.rest.render.statistics import render_task_statistics
from batch_emulator.rest.render.tasks import render_subtask, render_task
from batch_emulator.service import statistics
from batch_emulator.service.assumptions import TOO_MANY_TASKS
from batch_emulator.service.entities import Json, Task
from batch_emulator.service.limits import MAX_TASKS_PER_COLLECTION
from batch_emulator.service.tasks.tasks import AddResult

if TYPE_CHECKING:
    from batch_emulator.service.service import BatchService

ADD_RESULT = "Microsoft.Azure.Batch.Protocol.Entities.TaskAddResult"


async def create_task(call: Call, backend: Backend) -> Reply:
    task = await backend.execute(lambda service, now: service.create_task(call["jobId"], call.body, now))
    return created(task, call.url("jobs", task.job_id, "tasks", task.id))


async def create_task_collection(call: Call, backend: Backend) -> Reply:
    """Up to 100 tasks at once; each has its own result, whatever becomes of the others."""
    specs = call.body["value"]
    if not 1 <= len(specs) <= MAX_TASKS_PER_COLLECTION:
        raise refusal(
            TOO_MANY_TASKS.code,
            PropertyName="value",
            Reason=f"A collection has 1 to {MAX_TASKS_PER_COLLECTION} tasks, not {len(specs)}.",
        )
    results = await backend.execute(lambda service, now: service.add_tasks(call["jobId"], specs, now))
    items = [_add_result(call, result) for result in results]
    return Reply({"odata.metadata": f"{call.base_url}/$metadata#{ADD_RESULT}", "value": items})


async def list_tasks(call: Call, backend: Backend) -> Reply:
    names = selected_names(call.query, "BatchTask", call.contract)
    matches = compile_filter(call.query["$filter"], TASKS) if "$filter" in call.query else None
    after = start_after(call.query)

    def query(service: BatchService, now: datetime) -> Json:
        def render(task: Task) -> Json:
            return select(_render(call, task, now), names)

        tasks = service.tasks(call["jobId"], after or "")
        return render_page(call, "tasks", tasks, lambda task: task.id, render, matches)

    return Reply(await backend.read(query))


async def get_task(call: Call, backend: Backend) -> Reply:
    def render(_service: BatchService, task: Task, now: datetime) -> Json:
        return _render(call, task, now)

    reply = await read_one(call, backend, _find(call), "BatchTask", render, "tasks/@Element")
    return Reply(reply.body, resource_headers(f"{call.base_url}{call.raw_path}") | dict(reply.headers))


def _render(call: Call, task: Task, now: datetime) -> Json:
    body = render_task(task, call.base_url)
    if wants_statistics(call.query):
        url = task_url(call.base_url, task.job_id, task.id)
        figures, waited = statistics.of_task(task, now), statistics.waited(task)
        body["stats"] = render_task_statistics(figures, waited, task.creation_time, now, url)
    return body


async def replace_task(call: Call, backend: Backend) -> Reply:
    return await _change(
        call,
        backend,
        lambda service, now: service.replace_task(call["jobId"], call["taskId"], call.body, now),
    )


async def terminate_task(call: Call, backend: Backend) -> Reply:
    return await _change(
        call, backend, lambda service, now: service.terminate_task(call["jobId"], call["taskId"], now)
    )


async def reactivate_task(call: Call, backend: Backend) -> Reply:
    return await _change(
        call, backend, lambda service, now: service.reactivate_task(call["jobId"], call["taskId"], now)
    )


async def delete_task(call: Call, backend: Backend) -> Reply:
    return await remove(
        call,
        backend,
        _find(call),
        lambda service, now: service.delete_task(call["jobId"], call["taskId"], now),
    )


async def list_subtasks(call: Call, backend: Backend) -> Reply:
    """The instances of a multi-instance task, its primary left out; of an ordinary task there are none."""
    names = selected_names(call.query, "BatchSubtask", call.contract)

    def query(service: BatchService, _now: datetime) -> list[Json]:
        subtasks = service.subtasks(call["jobId"], call["taskId"])
        return [select(render_subtask(subtask, call.base_url), names) for subtask in subtasks]

    items = await backend.read(query)
    return Reply({"odata.metadata": f"{call.base_url}/$metadata#subtasks", "value": items})


def _add_result(call: Call, result: AddResult) -> Json:
    body: Json = {"status": "success" if result.error is None else "clienterror", "taskId": result.task_id}
    if result.error is not None:
        body["error"] = error_core(result.error)
    if result.task is not None:
        task = result.task
        url = task_url(call.base_url, task.job_id, task.id)
        body |= present({"eTag": task.etag, "lastModified": task.last_modified, "location": url})
    return body


def _find(call: Call) -> Callable[[BatchService], Task]:
    return lambda service: service.task(call["jobId"], call["taskId"])


async def _change(call: Call, backend: Backend, command: Callable[[BatchService, datetime], Any]) -> Reply:
    return await change(call, backend, _find(call), command)


HANDLERS = {
    "create_task": create_task,
    "create_task_collection": create_task_collection,
    "list_tasks": list_tasks,
    "get_task": get_task,
    "replace_task": replace_task,
    "terminate_task": terminate_task,
    "reactivate_task": reactivate_task,
    "delete_task": delete_task,
    "list_subtasks": list_subtasks,
}
