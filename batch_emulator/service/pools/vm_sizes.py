"""Cores and memory of virtual machine sizes, for quotas and slots.

Source: *Sizes for virtual machines in Azure*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(
    r"(?:standard|basic)_(?P<family>[a-z]+)(?P<cores>\d+)(?P<rest>[a-z0-9-]*)"
    r"(?:_(?!v\d)[a-z0-9]+)*(?:_v[1-9])?(?:_promo)?",
    re.ASCII | re.IGNORECASE,
)
_VERSION = re.compile(r"_(v\d+)$", re.ASCII | re.IGNORECASE)
_CONSTRAINED = re.compile(r"-(\d+)", re.ASCII)

# Older names whose number is not the number of cores.
_CORES = {
    "standard_a0": 1, "standard_a1": 1, "standard_a2": 2, "standard_a3": 4, "standard_a4": 8,
    "standard_a5": 2, "standard_a6": 4, "standard_a7": 8, "standard_a8": 8, "standard_a9": 16,
    "standard_a10": 8, "standard_a11": 16,
    "standard_d1": 1, "standard_d2": 2, "standard_d3": 4, "standard_d4": 8,
    "standard_d11": 2, "standard_d12": 4, "standard_d13": 8, "standard_d14": 16,
    "standard_d1_v2": 1, "standard_d2_v2": 2, "standard_d3_v2": 4, "standard_d4_v2": 8, "standard_d5_v2": 16,
    "standard_ds1_v2": 1, "standard_ds2_v2": 2, "standard_ds3_v2": 4, "standard_ds4_v2": 8,
    "standard_ds5_v2": 16,
    "standard_d11_v2": 2, "standard_d12_v2": 4, "standard_d13_v2": 8, "standard_d14_v2": 16,
    "standard_d15_v2": 20,
    "standard_ds11_v2": 2, "standard_ds12_v2": 4, "standard_ds13_v2": 8, "standard_ds14_v2": 16,
    "standard_ds15_v2": 20,
    "standard_g1": 2, "standard_g2": 4, "standard_g3": 8, "standard_g4": 16, "standard_g5": 32,
    "standard_gs1": 2, "standard_gs2": 4, "standard_gs3": 8, "standard_gs4": 16, "standard_gs5": 32,
    "standard_nc6": 6, "standard_nc12": 12, "standard_nc24": 24,
    "standard_hb120rs_v2": 120, "standard_hb120rs_v3": 120, "standard_hc44rs": 44, "standard_hb60rs": 60,
}  # fmt: skip
_GIB_PER_CORE = {
    "a": 2.0,
    "b": 4.0,
    "d": 4.0,
    "e": 8.0,
    "f": 2.0,
    "g": 14.0,
    "h": 7.0,
    "l": 8.0,
    "m": 28.0,
    "n": 9.0,
}


@dataclass(frozen=True)
class VmSize:
    """:param memory_gib: an estimate by family; nothing depends on it but what is shown."""

    cores: int
    memory_gib: float


def vm_size(name: str) -> VmSize | None:
    """What a size has, by table or by the number in its name.

    :param name: such as ``STANDARD_D2S_V3``; the case does not matter.
    :returns: ``None`` if the name is not that of a size.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    cores = _CORES.get(name.lower())
    if cores is None:
        constrained = _CONSTRAINED.search(match["rest"])
        cores = int(constrained[1] if constrained else match["cores"])
    if not 0 < cores <= 1024:
        return None
    return VmSize(cores, cores * _GIB_PER_CORE.get(match["family"][0].lower(), 4.0))


def vm_series(name: str) -> str:
    """The series of a size as quotas name it, such as ``standardDSv3Family``; empty if it is no size."""
    match = _NAME.fullmatch(name)
    if match is None:
        return ""
    features = re.sub(r"[^a-z]", "", _CONSTRAINED.sub("", match["rest"]).lower())
    version = _VERSION.search(name)
    return f"standard{match['family'].upper()}{features.upper()}{version[1].lower() if version else ''}Family"
