"""Where people and the workspace stand in the settings."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.ui.context import shell_part
from crm.ui.nav import settings_item
from crm.workspace.services.workspace import workspace_name

ME, PEOPLE, WORKSPACE = _("Personal"), _("People"), _("Workspace")
DATA, SYSTEM = _("Data"), _("System")

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
settings_item(
    DATA, _("Duplicates"), "/duplicates", "copy", 64, needs=("merge", "customer"), help=_("Records that look like the same one: review and merge."),
)
settings_item(
    SYSTEM, _("Audit log"), "/settings/audit", "scroll-text", 80, needs=("view", "audit"),
    help=_("Who did what to which record, from where."),
)
settings_item(
    SYSTEM, _("Recent changes"), "/changes", "history", 82, help=_("What you did lately, and its undo."),
)
settings_item(
    SYSTEM, _("Jobs"), "/jobs", "list-checks", 84, help=_("Imports, exports and other long work."),
)
settings_item(
    SYSTEM, _("Deliveries"), "/settings/deliveries", "send", 86, admin=True,
    help=_("What could not be told to the parts that react, and whether the background runs."),
)


@shell_part("workspace")
def workspace(request: HttpRequest) -> dict[str, str]:
    """Return what the shell says of the installation."""
    return {"name": workspace_name()}
