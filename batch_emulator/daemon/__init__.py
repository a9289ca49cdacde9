"""The emulator in the background: `batch-emulator start`, `stop`, `reset`, `status` and `logs`."""
