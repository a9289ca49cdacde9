"""The running emulator: rules, journal and nodes put together."""
