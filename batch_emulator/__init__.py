"""A local Azure Batch: the REST protocol, the scheduler and the nodes of the service on one machine."""

__version__ = "0.1.0"
