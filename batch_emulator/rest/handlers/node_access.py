"""Ways into a node: users, remote login, log files, extensions.

Source: Azure Batch REST reference, *Compute Node*, *Compute Node Extension*.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from batch_emulator.rest.backend import Backend
from batch_emulator.rest.exchange import Call, Reply, resource_headers
from batch_emulator.rest.handlers.common import act
from batch_emulator.rest.odata.selection import select, selected_names
from batch_emulator.rest.paging import render_page
from batch_emulator.rest.render.parts import present, without_secrets
from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import OPERATION_NOT_VALID_ON_NODE, conflict
from batch_emulator.service.nodes.node_extensions import extensions_of, find_extension
from batch_emulator.service.pools.endpoints import remote_login

if TYPE_CHECKING:
    from batch_emulator.service.nodes.node_logs import LogRequest
    from batch_emulator.service.service import BatchService

_LOGS_TYPE = "Microsoft.Azure.Batch.Protocol.Entities.UploadBatchServiceLogsResult"
_LOGIN_TYPE = "Microsoft.Azure.Batch.Protocol.Entities.ComputeNodeGetRemoteLoginSettingsResult"


async def create_node_user(call: Call, backend: Backend) -> Reply:
    await backend.execute(
        lambda service, now: service.create_node_user(call["poolId"], call["nodeId"], call.body, now)
    )
    url = f"{call.base_url}{call.raw_path}/{quote(call.body['name'], safe='')}"
    return Reply(None, resource_headers(url, created=True))


async def replace_node_user(call: Call, backend: Backend) -> Reply:
    return await act(
        call,
        backend,
        lambda service, now: service.replace_node_user(
            call["poolId"], call["nodeId"], call["userName"], call.body, now
        ),
    )


async def delete_node_user(call: Call, backend: Backend) -> Reply:
    await backend.execute(
        lambda service, now: service.delete_node_user(call["poolId"], call["nodeId"], call["userName"], now)
    )
    return Reply()


async def get_node_remote_login_settings(call: Call, backend: Backend) -> Reply:
    def query(service: BatchService, _now: datetime) -> Json:
        node = service.node(call["poolId"], call["nodeId"])
        login = remote_login(service.pool(node.pool_id), node)
        if login is None:
            raise conflict(OPERATION_NOT_VALID_ON_NODE, "The node has no public IP address")
        return {"odata.metadata": f"{call.base_url}/$metadata#{_LOGIN_TYPE}"} | present(
            {
                "remoteLoginIPAddress": login.address,
                "remoteLoginPort": login.port,
                "ipv6RemoteLoginIPAddress": login.ipv6_address,
                "ipv6RemoteLoginPort": login.port if login.ipv6_address else None,
            }
        )

    return Reply(await backend.read(query))


async def upload_node_logs(call: Call, backend: Backend) -> Reply:
    """The upload goes on after the answer, as on the service."""
    request_id = str(uuid.uuid4())

    def query(service: BatchService, now: datetime) -> LogRequest:
        return service.log_request(call["poolId"], call["nodeId"], call.body, now, request_id=request_id)

    request = await backend.read(query)
    body = {
        "odata.metadata": f"{call.base_url}/$metadata#{_LOGS_TYPE}",
        "virtualDirectoryName": request.directory,
        "numberOfFilesUploaded": await backend.upload_logs(request),
    }
    return Reply(body, resource_headers(f"{call.base_url}{call.raw_path}"))


async def list_node_extensions(call: Call, backend: Backend) -> Reply:
    names = selected_names(call.query, "BatchNodeVMExtension", call.contract)

    def query(service: BatchService, _now: datetime) -> Json:
        node = service.node(call["poolId"], call["nodeId"])
        # They are in the order in which they were installed, so a page begins at a number.
        found = list(enumerate(extensions_of(service.pool(node.pool_id), node)))
        return render_page(
            call,
            "extensions",
            found,
            lambda item: f"{item[0]:09}",
            lambda item: select(without_secrets(item[1]), names),
        )

    return Reply(await backend.read(query))


async def get_node_extension(call: Call, backend: Backend) -> Reply:
    names = selected_names(call.query, "BatchNodeVMExtension", call.contract)

    def query(service: BatchService, _now: datetime) -> Json:
        node = service.node(call["poolId"], call["nodeId"])
        found = find_extension(service.pool(node.pool_id), node, call["extensionName"])
        metadata = f"{call.base_url}/$metadata#extensions/@Element"
        return {"odata.metadata": metadata} | select(without_secrets(found), names)

    return Reply(await backend.read(query))


HANDLERS = {
    "create_node_user": create_node_user,
    "replace_node_user": replace_node_user,
    "delete_node_user": delete_node_user,
    "get_node_remote_login_settings": get_node_remote_login_settings,
    "upload_node_logs": upload_node_logs,
    "list_node_extensions": list_node_extensions,
    "get_node_extension": get_node_extension,
}
