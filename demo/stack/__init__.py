"""The local stack as one thing: its parts, their settings, their order."""
