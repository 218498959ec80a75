"""Where people and the workspace stand in the settings."""

from django.utils.translation import gettext_lazy as _

from crm.ui.nav import settings_item

ME, PEOPLE, WORKSPACE = _("Personal"), _("People"), _("Workspace")

settings_item(ME, _("Profile"), "/settings/profile", "user-round", 10, help=_("Name, language, time zone, look."))
settings_item(
    ME, _("Security"), "/settings/security", "lock-keyhole", 12,
    help=_("Password, second factor, passkeys, where you are signed in."),
)
settings_item(
    PEOPLE, _("Users"), "/settings/users", "users-round", 20, needs=("manage", "user"),
    help=_("Invite, change roles and teams, deactivate."),
)
settings_item(
    PEOPLE, _("Roles"), "/settings/roles", "shield", 22, needs=("change", "role"),
    help=_("Who may do what, to which records and fields."),
)
settings_item(
    PEOPLE, _("Teams"), "/settings/teams", "network", 24, needs=("change", "team"), help=_("The tree of teams and their managers."),
)
settings_item(
    WORKSPACE, _("Workspace"), "/settings/workspace", "building", 30, needs=("change", "settings"),
    help=_("Name, currency, language, time zone, fiscal year."),
)
settings_item(
    WORKSPACE, _("Exchange rates"), "/settings/exchange-rates", "arrow-right-left", 32, needs=("change", "settings"),
    help=_("What other currencies are worth, from a day on."),
)
