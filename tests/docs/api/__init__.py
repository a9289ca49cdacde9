"""The API reference: pages in ``docs/reference`` that are written from signatures and docstrings."""
