"""Background work: jobs, schedules, outbox and workers."""
