"""Blobs that come: by events or by listing, each announced and taken once."""
