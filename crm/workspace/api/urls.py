"""The API routes of signing in, people and roles."""

from crm.api.routes import route
from crm.records.entity import all_entities
from crm.workspace.api import activity, auth, duplicates, jobs, onrecords, people
from crm.workspace.api.search import SearchView

route("auth/login", auth.LoginView)
route("auth/register", auth.RegisterView)
route("auth/refresh", auth.RefreshView)
route("auth/logout", auth.LogoutView)
route("auth/me", auth.MeView)
route("auth/sessions", auth.SessionsView)
route("auth/sessions/{session}", auth.SessionView)
route("users/{id}/deactivate", people.DeactivateView)
route("users/{id}/reactivate", people.ReactivateView)
route("users/{id}/invite", people.InviteView)
route("users/{id}/withdraw", people.WithdrawView)
route("users/{id}/belongings", people.BelongingsView)
route("roles/{id}/rights", people.RoleRightsView)
route("roles/{id}/rights/effective", people.EffectiveRightsView)
route("search", SearchView)
route("duplicates", duplicates.DuplicatesView)
route("activity-logs", activity.ActivityLogsView)
route("change-sets", activity.ChangeSetsView)
route("change-sets/{id}", activity.ChangeSetView)
route("change-sets/{id}/undo", activity.UndoView)
route("jobs", jobs.JobsView)
route("jobs/{id}", jobs.JobView)
route("jobs/{id}/cancel", jobs.CancelView)
route("jobs/{id}/retry", jobs.RetryView)
for declared in all_entities().values():
    # A document's versions are those of its file.
    if "api" in declared.abilities and declared.name != "document":
        named = {"entity_name": declared.name}
        route(f"{declared.plural}/{{id}}/versions", type("VersionsView", (activity.VersionsView,), named))
        route(f"{declared.plural}/{{id}}/rollback", type("RollBackView", (activity.RollBackView,), named))

onrecords.declare()
