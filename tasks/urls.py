"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path

from tasks.views import calendar, pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("tasks", pages.tasks, name="tasks"),
    path("tasks/quick", pages.quick_add, name="task-quick"),
    path("tasks/understood", pages.understood, name="task-understood"),
    path("tasks/plan", pages.plan, name="task-plan"),
    path("tasks/reschedule", pages.reschedule_many, name="task-reschedule"),
    path("tasks/<uuid:task_id>/complete", pages.complete, name="task-complete"),
    path("tasks/<uuid:task_id>/reopen", pages.reopen, name="task-reopen"),
    path("tasks/<uuid:task_id>/due", calendar.due, name="task-due"),
    path("tasks/<uuid:task_id>/status", pages.status, name="task-status"),
]
