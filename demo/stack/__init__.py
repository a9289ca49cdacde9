"""The local stack as one thing: its parts, their settings, their order. `LocalStack` is the entrance."""

from demo.stack.local import LocalStack
from demo.stack.options import StackOptions, default_connections

__all__ = ["LocalStack", "StackOptions", "default_connections"]
