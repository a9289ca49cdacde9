"""`python -m batch_emulator` is `batch-emulator`."""

from __future__ import annotations

import sys

from batch_emulator.cli import main

if __name__ == "__main__":
    sys.exit(main())
