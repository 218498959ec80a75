"""The API routes of tasks."""

from crm.api.routes import route
from tasks.api import views

route("tasks/{id}/complete", views.CompleteView)
route("tasks/{id}/reopen", views.ReopenView)
