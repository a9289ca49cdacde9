"""Job schedules: when their jobs are made."""
