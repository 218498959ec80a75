"""The rules about people, roles and teams that hold at every door: pages, API, import, admin, commands."""

import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM
from crm.access.rights import SCOPES, Rights, rights_of, rights_of_role
from crm.accounts.events import UserInvited
from crm.accounts.invitations import DAYS
from crm.accounts.mails import request_invitation
from crm.accounts.models import Invitation, Role, Team, User
from crm.accounts.sign_in import end_access
from crm.accounts.tokens import hash_of
from crm.activity.facts import publish
from crm.activity.intention import current_intention, current_origin
from crm.lib.errors import Conflict, Denied
from crm.workspace.matrix import WHETHER

PROFILE = frozenset({"first_name", "last_name", "phone", "time_zone", "language", "theme", "density", "single_key_shortcuts"})
"""What everyone may change of the own row."""
SILENT = frozenset({"import", "command", "undo"})
"""Sources whose new users are invited without a mail."""

_LEVELS = {"hidden": 0, "read": 1, "write": 2}

Problems = Iterable[tuple[str, str]]


# -- users ----------------------------------------------------------------------------------------


def governs_users(actor: Any) -> bool:
    """Tell whether the actor may change other people's rows."""
    return actor is SYSTEM or rights_of(actor).may("change", "user")


def check_user(draft: User, changed: set[str], actor: Any) -> Problems:
    """Yield what is wrong with a new or changed user."""
    adding = draft._state.adding
    if "time_zone" in changed and draft.time_zone not in available_timezones():
        yield "time_zone", _("There is no such time zone.")
    if "language" in changed and draft.language not in dict(settings.LANGUAGES):
        yield "language", _("There is no such language.")
    if actor is SYSTEM:
        return
    if not adding and not governs_users(actor):
        for name in sorted(changed - PROFILE):
            yield name, _("Only those who manage users may change this.")
        return
    if not adding and draft.pk == actor.pk and "email" in changed:
        yield "email", _("Change your own address under Settings, Security: it is confirmed by mail.")
    if "role" in changed or (adding and draft.role_id):
        yield from _check_role_given(draft, actor, adding)
    if not adding and draft.pk != actor.pk and not outranks(actor, User.objects.get(pk=draft.pk).role_id):
        yield "id", _("This person has rights that you lack.")


def _check_role_given(draft: User, actor: Any, adding: bool) -> Problems:
    if not adding and draft.pk == actor.pk and not rights_of(actor).is_admin:
        yield "role", _("Nobody changes the own role.")
    elif not outranks(actor, draft.role_id):
        yield "role", _("This role has rights that you lack.")


def outranks(actor: Any, role_id: Any) -> bool:
    """Tell whether the actor has every right that a role gives."""
    if actor is SYSTEM:
        return True
    mine = rights_of(actor)
    return mine.is_admin or covers(mine, rights_of_role(role_id))


def covers(mine: Rights, theirs: Rights) -> bool:
    """Tell whether ``mine`` reaches at least as far as ``theirs`` in every cell."""
    if mine.is_admin:
        return True
    if theirs.is_admin:
        return False
    for entity, levels in mine.fields.items():
        if any(_LEVELS[theirs.fields.get(entity, {}).get(name, "write")] > _LEVELS[level] for name, level in levels.items()):
            return False
    return all(reaches(mine, entity, action, cell.scope, cell.condition) for (entity, action), cell in theirs.cells.items())


def reaches(mine: Rights, entity: str, action: str, scope: str, condition: Any = None) -> bool:
    """Tell whether ``mine`` holds one cell as wide as ``scope``."""
    if mine.is_admin or scope == "none":
        return True
    own = mine.cell(entity, action)
    wide = own.scope != "none" if action in WHETHER else SCOPES.index(own.scope) >= SCOPES.index(scope)
    return wide and own.condition in (None, condition)


def prepare_user(user: User, changed: set[str]) -> None:
    """Derive what follows: a folded address, and no password for a new user."""
    user.email = user.email.strip().lower()
    if user._state.adding and not user.password:
        user.set_unusable_password()


def guard_last_admin(user: User) -> None:
    """Refuse if ``user`` is the last active administrator. Two who try at once wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('rapport.one_admin'))")
    current = User.objects.select_related("role").get(pk=user.pk)
    if not (current.is_active and current.role.is_admin):
        return
    if not User.objects.active().filter(role__is_admin=True).exclude(pk=user.pk).exists():
        raise Conflict(_("One active administrator must remain."))


def follow_user(user: User, changed: set[str], created: bool, actor: Any) -> None:
    """Carry the consequences of a new or changed user."""
    if created:
        invite(user, actor)
        return
    if "email" in changed:
        Invitation.objects.filter(user=user, accepted_at=None).update(email=user.email)
    if {"role", "email"} & changed:
        end_access(user, reason="role_changed" if "role" in changed else "address_changed")


def invite(user: User, actor: Any, *, mail: bool | None = None) -> Invitation:
    """Make the invitation of a new user; by default it is mailed unless the user came by an import."""
    intention = current_intention()
    source = (intention.origin if intention else current_origin()).source
    made, _created = Invitation.objects.update_or_create(
        user=user,
        defaults={
            "email": user.email, "first_name": user.first_name, "last_name": user.last_name, "role_id": user.role_id,
            "team_id": user.team_id, "invited_by": actor if isinstance(actor, User) else None,
            "token_hash": hash_of(secrets.token_urlsafe(32)), "accepted_at": None, "revoked_at": None,
            "expires_at": timezone.now() + timedelta(days=DAYS),
        },
    )
    if source not in SILENT if mail is None else mail:
        request_invitation(made)
    publish(UserInvited(user_id=user.pk), about=user, entity="user")
    return made


def refuse_deletion(user: User, actor: Any) -> None:
    """Refuse to delete a person who has ever been here; an invitation that nobody has taken may go."""
    guard_last_admin(user)
    if actor is not SYSTEM and (user.pk == actor.pk or not outranks(actor, user.role_id)):
        raise Denied
    if user.last_login is not None or user.has_usable_password():
        raise Conflict(_("Someone who has worked here is deactivated, not deleted."))


# -- roles ----------------------------------------------------------------------------------------


def check_role(draft: Role, changed: set[str], actor: Any) -> Problems:
    """Yield what is wrong with a new or changed role."""
    stored = None if draft._state.adding else Role.objects.get(pk=draft.pk)
    if "code" in changed:
        if stored is not None and stored.is_system:
            yield "code", _("The code of a built-in role does not change.")
        elif not _is_code(draft.code):
            yield "code", _("Capital letters, digits and underscores, beginning with a letter.")
    if draft.parent_id and draft.parent and draft.parent.is_admin:
        yield "parent", _("A role cannot inherit from the administrator.")
    elif draft.is_admin and draft.parent_id:
        yield "parent", _("The administrator inherits from nobody.")
    elif draft.parent_id and stored is not None and draft.parent_id in descendants(Role, draft.pk):
        yield "parent", _("This role inherits from it already; roles make no circles.")
    if actor is SYSTEM or rights_of(actor).is_admin:
        return
    if stored is not None and not may_edit_role(actor, stored):
        yield "id", _("You cannot change a role that you hold, or that has rights which you lack.")
    if "parent" in changed and draft.parent_id and not outranks(actor, draft.parent_id):
        yield "parent", _("This role has rights that you lack.")


def _is_code(text: str) -> bool:
    return bool(text) and text[0].isascii() and text[0].isupper() and all(
        c.isascii() and (c.isupper() or c.isdigit() or c == "_") for c in text
    )


def may_edit_role(actor: Any, role: Role) -> bool:
    """Tell whether the actor may change a role: not the own one or one it inherits from, and none above oneself."""
    if actor is SYSTEM or rights_of(actor).is_admin:
        return True
    return actor.role_id not in {role.pk, *descendants(Role, role.pk)} and outranks(actor, role.pk)


def descendants(model: type[Role] | type[Team], pk: Any) -> set[Any]:
    """Return the rows below one in a tree by ``parent``, itself included."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE below AS (SELECT id FROM {table} WHERE id = %s "
            f"UNION SELECT t.id FROM {table} t JOIN below b ON t.parent_id = b.id) SELECT id FROM below",
            [pk],
        )
        return {row[0] for row in cursor.fetchall()}


def refuse_role_deletion(role: Role, actor: Any) -> None:
    """Refuse to delete a built-in role, or one above oneself."""
    if role.is_system:
        raise Conflict(_("A built-in role cannot be deleted."))
    if not may_edit_role(actor, role):
        raise Denied


# -- teams ----------------------------------------------------------------------------------------


def check_team(draft: Team, changed: set[str], actor: Any) -> Problems:
    """Yield what is wrong with a new or changed team."""
    if draft.parent_id and not draft._state.adding and draft.parent_id in descendants(Team, draft.pk):
        yield "parent", _("This team is below it already; teams make no circles.")
    if draft.manager_id and draft.manager and not draft.manager.is_active:
        yield "manager", _("This person is deactivated.")


def follow_team(team: Team, created: bool) -> None:
    """Give a new team the group that its shares hang on."""
    if created and team.group_id is None:
        team.group = Group.objects.create(name=f"team {team.pk}")
        team.save(update_fields=["group"])
