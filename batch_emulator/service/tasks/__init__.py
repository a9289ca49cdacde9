"""Tasks: their tries, dependencies, exit conditions, and those that run on several nodes."""
