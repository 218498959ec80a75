"""Who can see this, and why: the rules of the policies, told for one record (U3).

What each of many people may do is asked of the database in one statement: every person's own clauses, side by side.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BooleanField, Case, F, Q, Value, When
from django.utils.translation import gettext as _

from crm.access.policy import EVERYTHING, NOTHING, Policy, policy_of
from crm.access.rights import load_rights, rights_of
from crm.access.services.shares import Share, shares_of
from crm.accounts.models import Role, RolePermission, User

ACTIONS = ("view", "change", "delete")
PEOPLE = 50
"""People on one page of the answer."""
AT_ONCE = 40


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

    @property
    def because(self) -> list[str]:
        """Return the sentences, each once."""
        return list(dict.fromkeys(r.text for r in self.reasons))


def explain(user: User, obj: Any) -> list[Reason]:
    """Return every reason for which ``user`` may view, change or delete ``obj``; none when he may not."""
    return next((seen.reasons for seen in Asked(obj).of([user])), [])


def who_sees(obj: Any, *, after: int = 0, words: str = "", limit: int = PEOPLE) -> tuple[list[Seen], int | None]:
    """Return active users who see a record, each with what he may do and why, and where to go on (None at the end).

    ``after`` counts those that were looked at before; ``words`` narrows by name and address.
    """
    people = User.objects.active().select_related("role", "team").order_by("sort_key", "pk")
    if words:
        people = people.filter(search_text__contains=words.casefold())
    found: list[Seen] = []
    asked = Asked(obj)
    while chunk := list(people[after : after + AT_ONCE]):
        seen = {s.user.pk: s for s in asked.of(chunk)}
        for user in chunk:
            if len(found) == limit:
                return found, after
            after += 1
            if user.pk in seen:
                found.append(seen[user.pk])
    return found, None


class Asked:
    """One record that is asked about: what does not depend on the person is read once."""

    def __init__(self, obj: Any) -> None:
        self.obj = obj
        self.policy: Policy = policy_of(obj)
        self.shares: list[Share] = shares_of(obj)
        self.owner = self._owner()
        self._roles: dict[tuple[Any, str], str] = {}

    def of(self, people: Iterable[User]) -> list[Seen]:
        """Return those of ``people`` who see the record, with the reasons."""
        chunk = list(people)
        load_rights(chunk)
        clauses: dict[str, Q] = {}
        for i, user in enumerate(chunk):
            rights = rights_of(user)
            view = self.policy.rows(rights, user, "view") if rights.is_active else NOTHING
            for action in ACTIONS:
                clauses[f"do_{i}_{action}"] = view if action == "view" else view & self.policy.rows(rights, user, action)
                clauses[f"by_{i}_{action}"] = self.policy.scoped(rights, user, action)
        holds = self._holding(clauses)
        found = []
        for i, user in enumerate(chunk):
            actions = [a for a in ACTIONS if holds[f"do_{i}_view"] and holds[f"do_{i}_{a}"]]
            reasons = [r for a in actions for r in self._reasons(user, a, holds[f"by_{i}_{a}"])]
            if actions:
                found.append(Seen(user, actions, reasons))
        return found

    def _holding(self, clauses: dict[str, Q]) -> dict[str, bool]:
        """Return which clauses hold for the record; what holds for all or none is not asked."""
        asked = {name: clause for name, clause in clauses.items() if clause not in (EVERYTHING, NOTHING)}
        rows = self.policy.model._default_manager.filter(pk=self.obj.pk).order_by()
        told = rows.annotate(**{
            name: Case(When(clause, then=Value(True)), default=Value(False), output_field=BooleanField()) for name, clause in asked.items()
        }).values("pk", *asked).first()
        if told is None:
            return dict.fromkeys(clauses, False)
        return {name: told[name] if name in asked else clause == EVERYTHING for name, clause in clauses.items()}

    def _reasons(self, user: User, action: str, by_matrix: bool) -> list[Reason]:
        rights = rights_of(user)
        if rights.is_admin:
            return [Reason(action, "admin", _("Administrator: everything is allowed."))]
        found = [self._by_matrix(user, action)] if by_matrix else []
        found += self._by_share(user, action)
        if not found:
            # A rule that only this policy has: it says so itself.
            text = (type(self.policy).__doc__ or "").strip().split("\n")[0]
            found.append(Reason(action, "rule", text))
        return found

    def _by_matrix(self, user: User, action: str) -> Reason:
        """Return the reason that the role gives: the scope of its cell reaches the owner."""
        rights = rights_of(user)
        cell = rights.cell(self.policy.entity, action)
        why = cell.scope
        if cell.scope == "all":
            text = _("The role reaches all records.")
        elif self.owner == user.pk:
            why, text = "own", _("It is the user’s own.")
        elif cell.scope == "tree" and self.owner not in rights.team_members:
            text = _("It belongs to someone in a team below the user’s.")
        else:
            why, text = "team", _("It belongs to someone in the user’s team.")
        text = f"{text} " + _("Role: %(role)s.") % {"role": self._role_of_cell(user.role, action)}
        if cell.condition:
            text += " " + _("It fulfils the condition of that permission.")
        return Reason(action, why, text)

    def _owner(self) -> Any:
        if self.policy.owner is None:
            return None
        rows = self.policy.model._base_manager.filter(pk=self.obj.pk).annotate(_owner=F(self.policy.owner))
        return rows.values_list("_owner", flat=True).first()

    def _role_of_cell(self, role: Role, action: str) -> str:
        """Return the role of the chain that decides the cell: the nearest one that has it."""
        if (role.pk, action) not in self._roles:
            names: list[str] = []
            at: Role | None = role
            while at is not None and len(names) < 20:
                names.append(at.name)
                if RolePermission.objects.filter(role=at, entity=self.policy.entity, action=action).exists():
                    break
                at = at.parent
            self._roles[role.pk, action] = names[0] if len(names) == 1 else _("%(role)s, inherited from %(parent)s") % {
                "role": names[0], "parent": names[-1],
            }
        return self._roles[role.pk, action]

    def _by_share(self, user: User, action: str) -> list[Reason]:
        found: list[Reason] = []
        if action not in ("view", "change"):
            return found
        for share in self.shares:
            if action == "change" and not share.may_change:
                continue
            if share.user is not None and share.user.pk == user.pk:
                found.append(Reason(action, "shared", _("It is shared with the user.")))
            elif share.team is not None and share.team.group_id in rights_of(user).group_ids:
                text = _("It is shared with the team %(team)s.") % {"team": share.team}
                found.append(Reason(action, "shared_with_team", text))
        return found
