"""The rules of Azure Batch as a pure state machine: no I/O, no clock, the same every time."""

from batch_emulator.service.account import Account, Quotas
from batch_emulator.service.errors import BatchError, ErrorKind, Failure
from batch_emulator.service.service import BatchService
from batch_emulator.service.step import Change, Step

__all__ = ["Account", "BatchError", "BatchService", "Change", "ErrorKind", "Failure", "Quotas", "Step"]
