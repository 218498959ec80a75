"""What can be done with tasks."""

from tasks.services.tasks import complete_task, reopen_task, reschedule

__all__ = ["complete_task", "reopen_task", "reschedule"]
