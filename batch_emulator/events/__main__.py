"""`python -m batch_emulator.events`."""

import sys

from batch_emulator.events.cli import main

if __name__ == "__main__":
    sys.exit(main())
