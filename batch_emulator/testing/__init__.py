"""A local Azure Batch for any test suite: ``LocalBatch``, and a pytest plugin (fixture ``batch_account``).

Needs the extra ``emulator``. Importing this package is cheap: the emulator is imported when one is started.
"""

from __future__ import annotations

from batch_emulator.testing.local import LocalBatch
from batch_emulator.testing.storage import LocalStorage

__all__ = ["LocalBatch", "LocalStorage"]
