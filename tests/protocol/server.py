"""A real `batch-emulator serve` process, started and stopped by the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from batch_emulator.service.account import Account
from demo.processes.supervisor import Supervisor
from demo.stack.accounts import BatchAccount, StorageAccount
from demo.stack.emulator import NAME, emulator_component
from demo.stack.ports import PortPicker

ACCOUNT = "protocolaccount"
KEY = "cHJvdG9jb2wtdGVzdHMtcHJpbWFyeS1rZXktcHJvdG9jb2wtdGVzdHMtcHJpbWFyeS1rZXktYWI="


@dataclass(frozen=True)
class Server:
    """A running emulator."""

    endpoint: str
    resource_id: str
    account: str = ACCOUNT
    key: str = field(default=KEY, repr=False)


@contextmanager
def running_server(folder: Path, storage: StorageAccount) -> Iterator[Server]:
    """Serve an account until the block ends.

    :param storage: the linked storage account.
    """
    port = PortPicker(use_preferred=False).take(NAME, 0)
    endpoint = f"http://127.0.0.1:{port}"
    account = BatchAccount(endpoint, ACCOUNT, KEY)
    with Supervisor(folder) as processes:
        log = processes.log_of(NAME)
        processes.start(emulator_component(account, port, storage, folder / "data", log))
        processes.wait_ready(NAME)
        yield Server(endpoint, Account(ACCOUNT).resource_id)
