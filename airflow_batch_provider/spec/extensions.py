"""Virtual machine extensions on a pool's nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_batch_provider.spec.checks import check_texts
from airflow_batch_provider.spec.values import present


@dataclass(frozen=True, kw_only=True)
class Extension:
    """An extension that is installed on every node.

    Parameters:
        name: your own name for it.
        publisher, type: such as ``Microsoft.Azure.Monitor`` and ``AzureMonitorLinuxAgent``.
        version: of its handler, such as ``1.0``.
        settings: for all to see.
        protected_settings: secret; in no log and no fingerprint.
        after: names of extensions that are installed first.
        upgrade_minor: take newer minor versions when nodes are made; None: as the service decides.
        upgrade: upgrade by itself; None: as the service decides.
    """

    name: str
    publisher: str
    type: str
    version: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    protected_settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    after: Sequence[str] = ()
    upgrade_minor: bool | None = None
    upgrade: bool | None = None

    def __post_init__(self) -> None:
        check_texts(f"extension {self.name!r}", name=self.name, publisher=self.publisher, type=self.type)

    def to_wire(self) -> dict[str, Any]:
        """The wire model VMExtension."""
        return present(
            {
                "name": self.name,
                "publisher": self.publisher,
                "type": self.type,
                "typeHandlerVersion": self.version,
                "settings": dict(self.settings) or None,
                "protectedSettings": dict(self.protected_settings) or None,
                "provisionAfterExtensions": list(self.after),
                "autoUpgradeMinorVersion": self.upgrade_minor,
                "enableAutomaticUpgrade": self.upgrade,
            }
        )
