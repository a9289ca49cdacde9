"""What an emulator is started with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from batch_emulator.account_defaults import ACCOUNT_NAME, PRIMARY_KEY, SECONDARY_KEY
from batch_emulator.faults import Faults
from batch_emulator.nodes.containers.detection import EngineSettings
from batch_emulator.nodes.storage import LinkedStorage
from batch_emulator.service.account import Account, Quotas

if TYPE_CHECKING:
    from batch_emulator.simulation.behaviour import Behaviour

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """One account on one folder.

    :param data_dir: absolute path; the journal and the nodes' disks.
    :param storage: the linked storage account, if there is one.
    :param azure_resources: ids of subnets, public IP addresses and images that pools may name.
    :param containers: which container engine runs container tasks.
    :param boot_delay: seconds that a node takes to start.
    :param node_key: signs what tasks show to get tokens of their pool's identities.
    :param faults: what goes wrong from the beginning.
    :param simulation: how nodes behave that are simulated, on a clock that stands; real ones without.
    :param account_url: what tasks see as ``AZ_BATCH_ACCOUNT_URL``.
    :param windows_images_on_linux: whether pools of Windows images get nodes, which are Linux nodes.
    :param https_names: host names and addresses that the https certificate is for, besides the usual ones.
    :param oauth: whether tokens of Microsoft Entra ID are taken, unsigned as far as we can tell.
    """

    data_dir: Path
    account_url: str
    account_name: str = ACCOUNT_NAME
    primary_key: str = field(default=PRIMARY_KEY, repr=False)
    secondary_key: str = field(default=SECONDARY_KEY, repr=False)
    storage: LinkedStorage | None = None
    quotas: Quotas = field(default_factory=Quotas)
    azure_resources: tuple[str, ...] = ()
    windows_images_on_linux: bool = False
    boot_delay: float = 0.0
    containers: EngineSettings = field(default_factory=EngineSettings)
    # Not an account key: those can be regenerated while tasks run. Tasks end with the emulator, so this may.
    node_key: bytes = field(default_factory=lambda: secrets.token_bytes(64), repr=False)
    https_names: tuple[str, ...] = ()
    oauth: bool = False
    faults: Faults = field(default_factory=Faults)
    simulation: Behaviour | None = None
    simulation_seed: int = 0

    @property
    def account(self) -> Account:
        """The account as the rules see it."""
        return Account(
            self.account_name,
            quotas=self.quotas,
            has_linked_storage=self.storage is not None,
            azure_resources=frozenset(resource_id.lower() for resource_id in self.azure_resources),
            # What is simulated needs no system to run on.
            has_windows_nodes=self.windows_images_on_linux or self.simulation is not None,
        )
