"""What no public text says of jobs, and how it was decided here.

Besides the table, these decisions are in the code, each in one place:

- A manager's end ends its job with ``JMComplete`` even if its failure would end the job as that of a task
  (``job_lifecycle``).
- While a manager waits for a node that it may have some day, the other tasks of its job wait too; they do not
  wait for one that no node of the pool may take (``scheduler``).
- Of tasks on several nodes, those of the node where the fewest must go make room, the youngest first; they
  are requeued without being counted as requeued by a user (``preemption``).
- Ended by force, a job does not wait for its processes; release tasks are started by a termination, not by a
  deletion. A job that is being terminated or deleted may be so again by force (``job_lifecycle``, ``jobs``).
- A patch that names ``poolInfo`` needs a disabled job even if nothing in it is new; a replacement, which must
  name it, does not (``jobs``).
- A job that leaves its own pool for a named one while it is disabled loses the former (``jobs``).
- A task that is not complete after 180 days stays active and never runs, or is ended if it runs
  (``lifetimes``).
- Jobs that are being deleted do not count for the quota (``job_quota``).
"""

from __future__ import annotations

# The service says which scheduling errors there are, not which refusal of a pool leads to which. Any other
# refusal is ``InvalidAutoPoolSettings``.
AUTO_POOL_ERRORS = {
    "PoolQuotaReached": "AutoPoolCreationFailedWithQuotaReached",
    "InvalidApplicationPackageReferences": "InvalidApplicationPackageReferencesInAutoPool",
    "AutoScalingFormulaSyntaxError": "InvalidAutoScaleFormulaInAutoPool",
    "AutoScaleFormulaTooLong": "InvalidAutoScaleFormulaInAutoPool",
    "InvalidAutoScalingSettings": "InvalidAutoScaleFormulaInAutoPool",
}
