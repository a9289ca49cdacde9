"""The development account, as well known as Azurite's: it protects nothing and is the same everywhere."""

from __future__ import annotations

__all__ = ["ACCOUNT_NAME", "PRIMARY_KEY", "SECONDARY_KEY"]

ACCOUNT_NAME = "devbatchaccount"
# Base64 of a sentence that says so, 64 bytes long as real keys are.
PRIMARY_KEY = "VGhlIHdlbGwta25vd24gcHJpbWFyeSBrZXkgb2YgdGhlIGxvY2FsIEF6dXJlIEJhdGNoOyBubyBzZWNyZXQuIA=="
SECONDARY_KEY = "VGhlIHdlbGwta25vd24gc2Vjb25kYXJ5IGtleSBvZiB0aGUgbG9jYWwgQXp1cmUgQmF0Y2g7IG5vIHNlY3JldA=="
