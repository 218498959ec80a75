"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path

from crm.workspace.views import audit, changes, deliveries, jobs, people, personal, roles, search, versions

urlpatterns: list[URLPattern | URLResolver] = [
    path("search", search.search_page, name="search"),
    path("palette", search.palette, name="palette"),
    path("settings", personal.index, name="settings"),
    path("settings/profile", personal.profile, name="settings-profile"),
    path("settings/theme", personal.theme, name="settings-theme"),
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
    path("settings/audit", audit.audit_log, name="audit"),
    path("settings/audit/export", audit.audit_export, name="audit-export"),
    path("settings/deliveries", deliveries.deliveries, name="deliveries"),
    path("settings/deliveries/replay", deliveries.deliveries_act, {"act": "replay"}, name="deliveries-replay"),
    path("settings/deliveries/discard", deliveries.deliveries_act, {"act": "discard"}, name="deliveries-discard"),
    path("changes", changes.change_sets, name="changes"),
    path("changes/<uuid:change_set_id>", changes.change_set, name="change"),
    path("changes/<uuid:change_set_id>/undo", changes.change_set_undo, name="change-undo"),
    path("jobs", jobs.jobs, name="jobs"),
    path("jobs/<uuid:job_id>", jobs.job, name="job"),
    path("jobs/<uuid:job_id>/cancel", jobs.job_act, {"act": "cancel"}, name="job-cancel"),
    path("jobs/<uuid:job_id>/retry", jobs.job_act, {"act": "retry"}, name="job-retry"),
    path("history/<slug:name>/<uuid:pk>", versions.record_history, name="history"),
    path("history/<slug:name>/<uuid:pk>/rollback", versions.record_roll_back, name="history-rollback"),
]
