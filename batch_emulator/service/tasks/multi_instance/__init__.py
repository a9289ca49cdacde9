"""Multi-instance tasks: one task on several nodes at once.

Source: *Use multi-instance tasks to run Message Passing Interface (MPI) applications in Batch*.
"""
