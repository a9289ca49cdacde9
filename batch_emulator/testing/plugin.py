"""The pytest plugin: ``batch_account`` is an Azure Batch account of its own for a test.

Registered by the package, so it must cost nothing where it is not used: everything is imported late.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest

if TYPE_CHECKING:
    from batch_emulator.testing.local import LocalBatch
    from batch_emulator.testing.servers import Servers
    from batch_emulator.testing.storage import LocalStorage

_SCOPES = ("function", "class", "module", "package", "session")
_NEEDED = ("aiohttp", "orjson", "jwt")
Scope = Literal["function", "class", "module", "package", "session"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Settings of the plugin."""
    parser.addini(
        "batch_account_scope",
        "how long a batch_account is kept before it is emptied: function (default), class, module, package, "
        "session",
        default="function",
    )
    parser.addini(
        "batch_storage",
        "linked storage account of batch_account: a connection string, or 'azurite' to start one",
        default="",
    )


def _scope(fixture_name: str, config: pytest.Config) -> Scope:
    wanted = config.getini("batch_account_scope")
    if wanted not in _SCOPES:
        raise pytest.UsageError(
            f"batch_account_scope is {wanted!r}, but must be one of {', '.join(_SCOPES)}. "
            "It is set in the ini file of pytest."
        )
    return cast(Scope, wanted)


@pytest.fixture(scope="session")
def batch_storage(pytestconfig: pytest.Config) -> Iterator[LocalStorage | None]:
    """The linked storage account, if the ini option ``batch_storage`` asks for one."""
    wanted = str(pytestconfig.getini("batch_storage")).strip()
    if not wanted:
        yield None
        return
    _require_extra()
    from batch_emulator.testing.storage import Azurite, LocalStorage

    if wanted.lower() == "azurite":
        with Azurite() as azurite:
            yield azurite
    else:
        yield LocalStorage(wanted)


@pytest.fixture(scope="session")
def batch_options() -> dict[str, Any]:
    """Arguments for :class:`batch_emulator.testing.LocalBatch`. Override it anywhere to give some.

    It lives as long as ``batch_account`` or longer, so with the usual ``batch_account_scope`` in any scope.
    """
    return {}


@pytest.fixture(scope="session")
def batch_servers() -> Iterator[Servers]:
    """The emulators of this process, one for all tests with the same ``batch_options``."""
    _require_extra()
    from batch_emulator.testing.servers import Servers

    servers = Servers()
    try:
        yield servers
    finally:
        servers.stop()


@pytest.fixture(scope=_scope)
def batch_server(
    batch_servers: Servers, batch_options: dict[str, Any], batch_storage: LocalStorage | None
) -> Iterator[LocalBatch]:
    """The emulator with these options, as the test before left it."""
    with batch_servers.lend({"storage": batch_storage, **batch_options}) as batch:
        yield batch


@pytest.fixture(scope=_scope)
def batch_account(batch_server: LocalBatch) -> Iterator[LocalBatch]:
    """An empty Azure Batch account, without faults but those of ``batch_options``, and with the real time."""
    yield batch_server
    from batch_emulator.testing.storage import Azurite

    batch_server.reset()
    if isinstance(batch_server.storage, Azurite):
        batch_server.storage.empty()


def _require_extra() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        pytest.fail(
            f"The fixture needs {', '.join(missing)}, which the emulator's extra brings: "
            "pip install 'airflow-provider-azure-batch[emulator]'",
            pytrace=False,
        )
