from __future__ import annotations

from datetime import datetime, timezone

from batch_emulator.rest.backend import FileInfo
from batch_emulator.rest.render.files import file_headers, file_url, render_file
from batch_emulator.rest.render.nodes import render_node
from batch_emulator.rest.render.parts import present, task_url, without_secrets
from batch_emulator.rest.render.pools import render_pool
from batch_emulator.service.entities import Node, Pool
from batch_emulator.service.queries import NodeLoad, PoolSize
from tests.batch_emulator.service.builders import IMAGE as MACHINE

NOW = datetime(2026, 1, 2, 3, 4, 5, 120_000, tzinfo=timezone.utc)
BASE = "http://localhost:1"


def a_pool(**changes: object) -> Pool:
    pool = Pool(
        "p",
        {"vmSize": "standard_d2s_v3", "virtualMachineConfiguration": MACHINE},
        NOW,
        NOW,
        "0x1",
        "active",
        NOW,
    )
    for name, value in changes.items():
        setattr(pool, name, value)
    return pool


def test_absent_is_left_out_and_times_lose_trailing_zeros() -> None:
    assert present({"a": None, "b": 0, "c": False, "t": NOW}) == {
        "b": 0,
        "c": False,
        "t": "2026-01-02T03:04:05.12Z",
    }


def test_secrets_are_left_out_however_deep_they_lie() -> None:
    spec = {"a": [{"password": "x", "name": "n"}], "b": {"c": {"accountKey": "k", "d": 1}}, "sasKey": "s"}
    assert without_secrets(spec) == {"a": [{"name": "n"}], "b": {"c": {"d": 1}}}


def test_ids_in_urls_are_encoded() -> None:
    assert task_url(BASE, "s:job-1", "a/b") == f"{BASE}/jobs/s%3Ajob-1/tasks/a%2Fb"


def test_a_resize_tells_its_errors_once_it_is_over() -> None:
    errors = [{"code": "AllocationFailed"}]
    size = PoolSize(1, 2)
    assert render_pool(a_pool(resize_errors=errors), size, BASE)["resizeErrors"] == errors
    assert "resizeErrors" not in render_pool(
        a_pool(resize_errors=errors, allocation_state="resizing"), size, BASE
    )
    assert "resizeErrors" not in render_pool(a_pool(), size, BASE)
    shown = render_pool(a_pool(target_low_priority=3), size, BASE)
    assert (shown["currentLowPriorityNodes"], shown["targetLowPriorityNodes"]) == (2, 3)


def test_a_node_that_has_not_booted_has_no_agent() -> None:
    node = Node("n", "p", 1, True, "creating", NOW, NOW, "b")
    shown = render_node(node, a_pool(), NodeLoad(0, 0), [], BASE)
    assert (
        not {"nodeAgentInfo", "lastBootTime", "recentTasks", "startTask", "errors", "ipAddress"}
        & shown.keys()
    )
    assert shown["affinityId"] == "TVM:n"


def test_files() -> None:
    file = FileInfo("workitems/j/a b.txt", False, 2**40, NOW, 0o100600)
    folder = FileInfo("workitems", True, 4096, NOW, 0o040755)
    url = file_url(f"{BASE}/pools/p/nodes/n", file.name)
    assert url == f"{BASE}/pools/p/nodes/n/files/workitems/j/a%20b.txt"
    shown = render_file(file.name, url, file)
    assert shown["properties"]["contentLength"] == str(2**40)
    assert shown["properties"]["fileMode"] == "0o100600"
    assert "properties" not in render_file(folder.name, url, folder)
    headers = file_headers(url, file)
    assert headers["Content-Type"] == "text/plain"
    assert headers["ocp-batch-file-isdirectory"] == "False"
    assert file_headers(url, folder)["ocp-batch-file-isdirectory"] == "True"
    assert headers["ocp-batch-file-url"].startswith("http%3A%2F%2Flocalhost%3A1%2Fpools")
