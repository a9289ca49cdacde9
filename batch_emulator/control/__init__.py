"""The emulator's own paths, under ``/emulator``: what Azure Batch does not have and a test needs."""

from __future__ import annotations

from batch_emulator.control.app import Controls, add_control_routes

__all__ = ["Controls", "add_control_routes"]
