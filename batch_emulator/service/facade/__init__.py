"""The commands and questions of ``BatchService``, one class an entity."""
