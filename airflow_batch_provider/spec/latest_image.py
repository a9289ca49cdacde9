"""The latest image by a pattern of names, found in the service's list when a pool is made."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from airflow_batch_provider.spec.checks import check_texts
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.image import Image


@dataclass(frozen=True, kw_only=True)
class LatestImage:
    """The newest verified image whose names fit; its node agent follows from it.

    What a pool that is there runs is kept as long as it fits: a newer image is no drift.

    Parameters:
        publisher, offer, sku: patterns with ``*`` and ``?``, in any case of letters.
        capabilities: what it must have, such as ``DockerCompatible`` or ``NvidiaTeslaDriverInstalled``.
        windows: whether nodes run Windows.
        verified: only images that the Batch team has tried.
    """

    publisher: str = "*"
    offer: str = "*"
    sku: str = "*"
    capabilities: Sequence[str] = ()
    windows: bool = False
    verified: bool = True

    def __post_init__(self) -> None:
        where = "image of a pool"
        check_texts(where, publisher=self.publisher, offer=self.offer, sku=self.sku)
        if isinstance(self.capabilities, str):
            raise SpecError(
                f"capabilities is {self.capabilities!r}", where=where, right=f"Write [{self.capabilities!r}]."
            )

    @property
    def system(self) -> Literal["linux", "windows"]:
        """The operating system family, by whose rules command lines are quoted."""
        return "windows" if self.windows else "linux"

    def to_wire(self) -> dict[str, Any]:
        """The pattern in the form of the wire model; for fingerprints, not for the service."""
        names = {"publisher": self.publisher, "offer": self.offer, "sku": self.sku}
        return {"imageReference": {**names, "version": "latest"}, "nodeAgentSKUId": ""}

    def fits(self, reference: Mapping[str, Any]) -> bool:
        """Whether a wire model BatchVmImageReference has names that fit."""
        return all(
            fnmatchcase(str(reference.get(name) or "").lower(), pattern.lower())
            for name, pattern in (("publisher", self.publisher), ("offer", self.offer), ("sku", self.sku))
        )

    def choose(self, supported: Iterable[Mapping[str, Any]]) -> Image:
        """The one that is latest by its names among the wire models BatchSupportedImage.

        An image with an end of support comes after all that have none.

        Raises:
            SpecError: there is none; names those that come near.
        """
        listed = [image for image in supported if str(image.get("osType")).lower() == self.system]
        found = [image for image in listed if self._suits(image)]
        if not found:
            near = sorted({_name(image) for image in listed})
            raise SpecError(
                f"no image that the service supports fits publisher={self.publisher!r}, "
                f"offer={self.offer!r}, sku={self.sku!r}",
                where="image of a pool",
                right=f"Supported for {self.system} are: {', '.join(near) or 'none'}.",
            )
        best = max(found, key=lambda image: (not image.get("batchSupportEndOfLife"), _numbers(_name(image))))
        reference = best["imageReference"]
        return Image(
            reference["publisher"],
            reference["offer"],
            reference["sku"],
            best["nodeAgentSKUId"],
            windows=self.windows,
        )

    def _suits(self, image: Mapping[str, Any]) -> bool:
        has = {str(capability).lower() for capability in image.get("capabilities") or ()}
        wanted = {capability.lower() for capability in self.capabilities}
        verified = str(image.get("verificationType")).lower() == "verified"
        return self.fits(image["imageReference"]) and wanted <= has and (verified or not self.verified)


def _name(image: Mapping[str, Any]) -> str:
    reference = image["imageReference"]
    return f"{reference.get('publisher')}/{reference.get('offer')}/{reference.get('sku')}"


def _numbers(name: str) -> tuple[list[float], str]:
    """A key by the numbers in a name: ``9`` before ``10``, and ``server-gen1`` before plain ``server``."""
    return [*map(float, re.findall(r"[1-9]\d*", name)), math.inf], name
