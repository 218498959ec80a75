"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path

from crm.workspace.views import people, personal, roles, search

urlpatterns: list[URLPattern | URLResolver] = [
    path("search", search.search_page, name="search"),
    path("palette", search.palette, name="palette"),
    path("settings", personal.index, name="settings"),
    path("settings/profile", personal.profile, name="settings-profile"),
    path("settings/security", personal.security, name="settings-security"),
    path("settings/workspace", personal.workspace, name="settings-workspace"),
    path("settings/exchange-rates", personal.rates, name="settings-rates"),
    path("settings/exchange-rates/<uuid:rate_id>/remove", personal.rate_remove, name="settings-rate-remove"),
    path("settings/users", people.users, name="settings-users"),
    path("settings/users/invite", people.invite, name="settings-invite"),
    path("settings/users/<uuid:user_id>", people.user, name="settings-user"),
    path("settings/users/<uuid:user_id>/<slug:act>", people.user_act, name="settings-user-act"),
    path("settings/teams", people.teams, name="settings-teams"),
    path("settings/teams/<uuid:team_id>", people.team, name="settings-team"),
    path("settings/teams/<uuid:team_id>/delete", people.team_delete, name="settings-team-delete"),
    path("settings/roles", roles.roles, name="settings-roles"),
    path("settings/roles/new", roles.role_new, name="settings-role-new"),
    path("settings/roles/preview/end", roles.preview_end, name="settings-preview-end"),
    path("settings/roles/<uuid:role_id>", roles.role, name="settings-role"),
    path("settings/roles/<uuid:role_id>/delete", roles.role_delete, name="settings-role-delete"),
    path("settings/roles/<uuid:role_id>/preview", roles.preview, name="settings-role-preview"),
]
