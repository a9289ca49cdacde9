"""Files of nodes, and of tasks by way of the node they ran on. Source: Azure Batch REST reference, *File*.

A *place* is a directory on a node whose files are asked for: the node's root, or a task's directory.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from batch_emulator.rest.backend import Backend, FileInfo, NodeFiles
from batch_emulator.rest.errors import refusal
from batch_emulator.rest.exchange import Call, Reply, Stream
from batch_emulator.rest.odata.filters import compile_filter
from batch_emulator.rest.odata.lists import FILES
from batch_emulator.rest.paging import render_page
from batch_emulator.rest.ranges import parse_range
from batch_emulator.rest.render.files import file_etag, file_headers, file_url, render_file
from batch_emulator.rest.render.parts import node_url, task_url
from batch_emulator.service.errors import BatchError


@dataclass(frozen=True)
class Place:
    """A directory on a node.

    :param root: relative to the node's root; empty for the root itself, a task's directory otherwise.
    :param url: of the node or the task.
    """

    disk: NodeFiles
    root: str
    url: str

    def path(self, name: str) -> str:
        """The path on the node of a file of this place.

        :raises BatchError: ``FileNotFound`` for a name that leads out of it.
        """
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if ".." in parts or "\0" in name:
            raise refusal("FileNotFound")
        return "/".join([self.root, *parts]) if self.root else "/".join(parts)

    def name(self, file: FileInfo) -> str:
        """The name of a file, relative to this place."""
        return file.name.removeprefix(f"{self.root}/") if self.root else file.name


FindPlace = Callable[[Call, Backend], Awaitable[Place]]


async def _on_node(call: Call, backend: Backend) -> Place:
    node = await backend.read(lambda service, _now: service.node(call["poolId"], call["nodeId"]))
    disk = backend.files(node.pool_id, node.id)
    return Place(disk, "", node_url(call.base_url, node.pool_id, node.id))


async def _of_task(call: Call, backend: Backend) -> Place:
    task = await backend.read(lambda service, _now: service.task(call["jobId"], call["taskId"]))
    if task.files_removed:
        raise refusal("TaskFilesCleanedup", Reason="The retention time of the task's files is over.")
    if not (task.node_pool_id and task.node_id and task.task_root):
        raise refusal("TaskFilesUnavailable", Reason="The task has not run on a node.")
    try:
        disk = backend.files(task.node_pool_id, task.node_id)
    except BatchError as error:
        raise refusal("TaskFilesUnavailable", Reason="The node that the task ran on is gone.") from error
    return Place(disk, task.task_root, task_url(call.base_url, task.job_id, task.id))


async def _list(call: Call, backend: Backend, find: FindPlace) -> Reply:
    matches = compile_filter(call.query["$filter"], FILES) if "$filter" in call.query else None
    place = await find(call, backend)
    try:
        files = await place.disk.list(place.root, call.flag("recursive"))
    except FileNotFoundError as error:
        raise await _missing(place) from error
    items = [render_file(place.name(file), file_url(place.url, place.name(file)), file) for file in files]
    items.sort(key=lambda item: item["name"])
    return Reply(
        render_page(call, "files", items, lambda item: str(item["name"]), lambda item: item, matches)
    )


async def _find_file(call: Call, backend: Backend, find: FindPlace) -> tuple[Place, FileInfo]:
    place = await find(call, backend)
    try:
        file = await place.disk.stat(place.path(call["filePath"]))
    except FileNotFoundError as error:
        raise await _missing(place) from error
    call.conditions.check(file_etag(file), file.last_modified)
    return place, file


async def _properties(call: Call, backend: Backend, find: FindPlace) -> Reply:
    place, file = await _find_file(call, backend, find)
    headers = file_headers(file_url(place.url, place.name(file)), file)
    return Reply(None, {"Content-Length": str(file.size)} | headers)


async def _download(call: Call, backend: Backend, find: FindPlace) -> Reply:
    place, file = await _find_file(call, backend, find)
    if file.is_directory:
        raise refusal("FileNotFound", Reason="It is a directory.")
    start, end = parse_range(call.headers.get("ocp-range"), file.size)
    chunks = place.disk.read(place.path(call["filePath"]), start, end)
    return Reply(Stream(chunks, end - start), file_headers(file_url(place.url, place.name(file)), file))


async def _delete(call: Call, backend: Backend, find: FindPlace) -> Reply:
    place = await find(call, backend)
    path = place.path(call["filePath"])
    recursive = call.flag("recursive")
    if path in ("", place.root):
        raise refusal("FileNotFound", Reason="The root itself cannot be deleted.")
    try:
        await place.disk.delete(path, recursive)
    except FileNotFoundError as error:
        raise await _missing(place) from error
    except OSError as error:
        raise refusal(
            "OperationInvalidForCurrentState",
            Reason="The directory is not empty. To delete it with all it holds, set recursive to true.",
        ) from error
    return Reply()


async def _missing(place: Place) -> BatchError:
    """A file that is not there, or a task's whole directory."""
    if place.root:
        try:
            await place.disk.stat(place.root)
        except FileNotFoundError:
            return refusal(
                "TaskFilesUnavailable", Reason="The task's directory is not on its node (any more)."
            )
    return refusal("FileNotFound")


async def list_node_files(call: Call, backend: Backend) -> Reply:
    return await _list(call, backend, _on_node)


async def get_node_file_properties(call: Call, backend: Backend) -> Reply:
    return await _properties(call, backend, _on_node)


async def download_node_file(call: Call, backend: Backend) -> Reply:
    return await _download(call, backend, _on_node)


async def delete_node_file(call: Call, backend: Backend) -> Reply:
    return await _delete(call, backend, _on_node)


async def list_task_files(call: Call, backend: Backend) -> Reply:
    return await _list(call, backend, _of_task)


async def get_task_file_properties(call: Call, backend: Backend) -> Reply:
    return await _properties(call, backend, _of_task)


async def download_task_file(call: Call, backend: Backend) -> Reply:
    return await _download(call, backend, _of_task)


async def delete_task_file(call: Call, backend: Backend) -> Reply:
    return await _delete(call, backend, _of_task)


HANDLERS = {
    "list_node_files": list_node_files,
    "get_node_file_properties": get_node_file_properties,
    "download_node_file": download_node_file,
    "delete_node_file": delete_node_file,
    "list_task_files": list_task_files,
    "get_task_file_properties": get_task_file_properties,
    "download_task_file": download_task_file,
    "delete_task_file": delete_task_file,
}
