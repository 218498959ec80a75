"""What is to be done, by whom, until when."""

from tasks.models.task import Task, TaskCategory

__all__ = ["Task", "TaskCategory"]
