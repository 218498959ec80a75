"""The API routes of signing in, people and roles."""

from crm.api.routes import route
from crm.workspace.api import auth, people
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
route("users/{id}/belongings", people.BelongingsView)
route("roles/{id}/rights", people.RoleRightsView)
route("search", SearchView)
