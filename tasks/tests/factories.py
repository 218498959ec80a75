"""Tasks for tests."""

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from tasks.models import Task, TaskCategory


class TaskCategoryFactory(DjangoModelFactory[TaskCategory]):
    """A heading."""

    class Meta:
        model = TaskCategory

    name = factory.Sequence(lambda n: f"Category {n}")


class TaskFactory(DjangoModelFactory[Task]):
    """A task that waits, about nothing and for nobody."""

    class Meta:
        model = Task

    title = factory.Sequence(lambda n: f"Task {n}")
    completed_at = factory.LazyAttribute(lambda o: timezone.now() if o.status == "COMPLETED" else None)
    status = Task.Status.PENDING
