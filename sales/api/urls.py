"""The API routes of deals."""

from crm.api.routes import route
from sales.api import views

route("deals/{id}/stage", views.StageView)
route("deals/{id}/reopen", views.ReopenView)
route("deals/{id}/history", views.HistoryView)
route("deals/{id}/lines", views.LinesView)
route("deals/{id}/lines/{part_id}", views.LineView)
route("deals/{id}/contacts", views.ContactsView)
route("deals/{id}/contacts/{part_id}", views.ContactView)
