"""What goes wrong on purpose: declared in one record, drawn by seed, injected at the emulator's edges."""

from __future__ import annotations

from batch_emulator.faults.parsing import FaultsError, load_faults, parse_faults
from batch_emulator.faults.record import Faults, to_json

__all__ = ["Faults", "FaultsError", "load_faults", "parse_faults", "to_json"]
