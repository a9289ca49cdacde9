"""What no public text says of job schedules, and how it was decided here.

Besides the constants, these decisions are in the code, each in one place:

- Occurrences lie on a grid that begins with the first one; a job that comes late does not move it
  (``recurrence.following``). One that lies before the end of an interruption is not made up for
  (``recurrence.latest``).
- While a schedule is disabled its occurrences go by; enabled within the start window of the latest one, it
  makes that job (``schedule_life.check``).
- A schedule whose ``doNotRunAfter`` is past completes even if it is disabled (``schedule_life.check``).
- A job that is being deleted still counts as the active one (``schedule_life.active_job``).
- Disabling a disabled schedule is refused with ``JobScheduleDisabled``, enabling an active one with
  ``OperationInvalidForCurrentState``, as enabling an active job is (``schedules``).
- ``doNotRunAfter`` must be later than ``doNotRunUntil`` (``recurrence.make_configuration``).
- A pool for all jobs of a schedule that its user deleted is made again with the next job
  (``schedule_life``).
"""

from __future__ import annotations

from datetime import timedelta

# An occurrence that finds the quota of active jobs and schedules reached waits, within its start window.
RETRY_WHEN_QUOTA_REACHED = timedelta(minutes=1)
