"""Who can see this, and why: the rules of the policies, told for one record (U3)."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from crm.access.policy import Policy, allows, policy_of
from crm.access.rights import Rights, rights_of
from crm.access.services.shares import shares_of
from crm.accounts.models import Role, RolePermission, User

ACTIONS = ("view", "change", "delete")
MAX_PEOPLE = 500


@dataclass(frozen=True)
class Reason:
    """Why a user may do something to a record: a stored word, and the sentence."""

    action: str
    why: str
    """``admin``, ``own``, ``team``, ``tree``, ``all``, ``shared``, ``shared_with_team``, ``rule``."""
    text: str

    def as_dict(self) -> dict[str, str]:
        """Return the reason as the API shows it."""
        return {"action": self.action, "why": self.why, "text": self.text}


@dataclass
class Seen:
    """One user, what he may do to the record, and why."""

    user: User
    actions: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)


def explain(user: User, obj: Any) -> list[Reason]:
    """Return every reason for which ``user`` may view, change or delete ``obj``; none when he may not."""
    found: list[Reason] = []
    for action in ACTIONS:
        if allows(user, action, obj):
            found.extend(_reasons(user, obj, action))
    return found


def who_sees(obj: Any, *, limit: int = MAX_PEOPLE) -> list[Seen]:
    """Return the active users who see a record, each with what he may do and why."""
    found: list[Seen] = []
    for user in User.objects.active().select_related("role", "team").order_by("sort_key", "pk")[:limit]:
        reasons = explain(user, obj)
        if reasons:
            found.append(Seen(user, list(dict.fromkeys(r.action for r in reasons)), reasons))
    return found


def _reasons(user: User, obj: Any, action: str) -> list[Reason]:
    policy, rights = policy_of(obj), rights_of(user)
    if rights.is_admin:
        return [Reason(action, "admin", _("Administrator: everything is allowed."))]
    found = [r for r in (_by_matrix(policy, rights, user, obj, action),) if r is not None]
    found += _by_share(policy, user, obj, action)
    if not found:
        # A rule that only this policy has: it says so itself.
        text = (type(policy).__doc__ or "").strip().split("\n")[0]
        found.append(Reason(action, "rule", text))
    return found


def _by_matrix(policy: Policy, rights: Rights, user: User, obj: Any, action: str) -> Reason | None:
    """Return the reason that the role gives: the scope of its cell, if it reaches the owner."""
    cell = rights.cell(policy.entity, action)
    if cell.scope == "none":
        return None
    if cell.scope != "all" or cell.condition:
        alone = policy.scoped(rights, user, action)
        if not policy.model._base_manager.filter(pk=obj.pk).filter(alone).exists():
            return None
    why, text = cell.scope, ""
    owner_id = _owner_of(policy, obj)
    if cell.scope != "all":
        if owner_id == user.pk:
            why, text = "own", _("It is the user’s own.")
        elif cell.scope == "tree" and owner_id not in rights.team_members:
            text = _("It belongs to someone in a team below the user’s.")
        else:
            why, text = "team", _("It belongs to someone in the user’s team.")
    else:
        text = _("The role reaches all records.")
    role = _role_of_cell(user.role, policy.entity, action)
    text = f"{text} " + _("Role: %(role)s.") % {"role": role}
    if cell.condition:
        text += " " + _("It fulfils the condition of that permission.")
    return Reason(action, why, text)


def _owner_of(policy: Policy, obj: Any) -> Any:
    if policy.owner is None:
        return None
    rows = policy.model._base_manager.filter(pk=obj.pk).annotate(_owner=F(policy.owner))
    return rows.values_list("_owner", flat=True).first()


def _role_of_cell(role: Role | None, entity: str, action: str) -> str:
    """Return the role of the chain that decides the cell: the nearest one that has it."""
    names: list[str] = []
    while role is not None and len(names) < 20:
        names.append(role.name)
        if RolePermission.objects.filter(role=role, entity=entity, action=action).exists():
            break
        role = role.parent
    return names[0] if len(names) == 1 else _("%(role)s, inherited from %(parent)s") % {"role": names[0], "parent": names[-1]}


def _by_share(policy: Policy, user: User, obj: Any, action: str) -> list[Reason]:
    found: list[Reason] = []
    if action not in ("view", "change"):
        return found
    for share in shares_of(obj):
        if action == "change" and not share.may_change:
            continue
        if share.user is not None and share.user.pk == user.pk:
            found.append(Reason(action, "shared", _("It is shared with the user.")))
        elif share.team is not None and share.team.group_id in rights_of(user).group_ids:
            text = _("It is shared with the team %(team)s.") % {"team": share.team}
            found.append(Reason(action, "shared_with_team", text))
    return found
