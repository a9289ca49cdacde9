"""Single tasks of jobs that others may share."""
