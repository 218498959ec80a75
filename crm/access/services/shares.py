"""Single records shared with people and teams (A12), kept in guardian's tables with direct foreign keys."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _

from crm.access.events import RecordShared, RecordUnshared
from crm.access.policy import SYSTEM, policy_of, require
from crm.access.rights import forget_rights
from crm.accounts.models import Team, User
from crm.activity.facts import publish
from crm.activity.intention import relabel, verb
from crm.lib.errors import Conflict, Invalid


@dataclass(frozen=True)
class Share:
    """With whom a record is shared, and whether he may change it."""

    user: User | None
    team: Team | None
    may_change: bool

    @property
    def name(self) -> str:
        """Return the name of the person or team."""
        return str(self.user or self.team)


@verb
def share_record(
    *, obj: Any, actor: Any, user: User | None = None, team: Team | None = None, may_change: bool = False
) -> Share:
    """Let a person or a team see ``obj``, or change it too. Sharing again sets the level anew.

    Nobody gives more than he has: to let others change a record one must be able to change it.
    """
    policy = _shareable(obj)
    require(actor, "share", obj)
    if may_change:
        require(actor, "change", obj)
    if (user is None) == (team is None):
        raise Invalid.field("user", _("Name either a person or a team."))
    if user is not None and not user.is_active:
        raise Invalid.field("user", _("%(name)s is deactivated.") % {"name": user})
    relabel(_("Share %(what)s") % {"what": obj})
    table, owner = _table(policy, user, team)
    table.objects.filter(content_object=obj, **owner).delete()
    for action in ("view", "change") if may_change else ("view",):
        table.objects.create(content_object=obj, permission=_permission(policy, action), **owner)
    if user is not None:
        forget_rights(user)
    publish(
        RecordShared(
            entity=policy.entity, record_id=obj.pk, user_id=user.pk if user else None, team_id=team.pk if team else None,
            may_change=may_change,
        ),
        about=obj, entity=policy.entity,
    )
    return Share(user, team, may_change)


@verb
def unshare_record(*, obj: Any, actor: Any, user: User | None = None, team: Team | None = None) -> bool:
    """Take a share back; tell whether there was one. Whoever a record is shared with may leave it himself."""
    policy = _shareable(obj)
    if actor is SYSTEM or user is None or user.pk != actor.pk:
        require(actor, "share", obj)
    if (user is None) == (team is None):
        raise Invalid.field("user", _("Name either a person or a team."))
    relabel(_("Stop sharing %(what)s") % {"what": obj})
    table, owner = _table(policy, user, team)
    count, _by_model = table.objects.filter(content_object=obj, **owner).delete()
    if count:
        publish(
            RecordUnshared(
                entity=policy.entity, record_id=obj.pk, user_id=user.pk if user else None, team_id=team.pk if team else None
            ),
            about=obj, entity=policy.entity,
        )
    return bool(count)


def shares_of(obj: Any) -> list[Share]:
    """Return with whom a record is shared, people first."""
    policy = policy_of(obj)
    if policy.user_share is None or policy.group_share is None:
        return []
    found: dict[Any, list[str]] = {}
    by_user = policy.user_share._default_manager.filter(content_object=obj).select_related("user", "permission")
    for row in by_user.order_by("user__sort_key"):
        found.setdefault(row.user, []).append(row.permission.codename)  # type: ignore[attr-defined]
    by_group = policy.group_share._default_manager.filter(content_object=obj, group__team__isnull=False)
    for row in by_group.select_related("group__team", "permission").order_by("group__team__sort_key"):
        found.setdefault(row.group.team, []).append(row.permission.codename)  # type: ignore[attr-defined]
    return [
        Share(
            who if isinstance(who, User) else None, who if isinstance(who, Team) else None,
            any(c.startswith("change_") for c in codes),
        )
        for who, codes in found.items()
    ]


def _shareable(obj: Any) -> Any:
    policy = policy_of(obj)
    if policy.user_share is None or policy.group_share is None:
        raise Conflict(_("Records of this kind cannot be shared one by one."))
    return policy


def _table(policy: Any, user: User | None, team: Team | None) -> tuple[Any, dict[str, Any]]:
    if user is not None:
        return policy.user_share, {"user": user}
    assert team is not None
    return policy.group_share, {"group": _group_of(team)}


def _group_of(team: Team) -> Group:
    """Return the group that carries a team's shares, made when the first record is shared with it."""
    locked = Team.objects.select_for_update().select_related(None).get(pk=team.pk)
    if locked.group_id is None:
        locked.group = Group.objects.create(name=f"team {team.pk}")
        locked.save(update_fields=["group", "updated_at"])
    assert locked.group is not None
    return locked.group


def _permission(policy: Any, action: str) -> Permission:
    """Return Django's permission row; a database without it (made by hand) gets it here."""
    meta = policy.model._meta
    found, _made = Permission.objects.get_or_create(
        content_type=ContentType.objects.get_for_model(policy.model), codename=f"{action}_{meta.model_name}",
        defaults={"name": f"Can {action} {meta.verbose_name}"[:255]},
    )
    return found
