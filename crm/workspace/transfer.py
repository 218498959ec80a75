"""What users and teams lend to imports: names in one cell, managers, offices; invited, and not mailed."""

import re
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.access.policy import SYSTEM
from crm.accounts.models import Role, User
from crm.lib.text import fold
from crm.transfer.adapters import Adapter, Draft, Target, register
from crm.transfer.engine.links import Found
from crm.workspace import rules

INVENTED = "import.invalid"
"""The domain of addresses made for people whose file has none; it can never receive mail (RFC 2606)."""


class UserTransfer(Adapter):
    """People of a file: a manager's people form the manager's team, below the team of the office.

    Someone without an address gets ``given.family@import.invalid``: nobody can be mailed there, and an
    administrator sets the real one before the invitation is sent.
    """

    entity = "user"
    files = ("sales teams", "agents", "staff", "employees", "sales people", "salespeople", "sales reps")
    essential = ("manager", "office", "role", "team")
    rarity = 0.2
    keys = ("email",)
    natural = ()
    origins = {"first_name": ("full_name",), "last_name": ("full_name",), "team": ("manager", "office"), "manager": ("manager",)}
    targets = (
        Target("full_name", _("Full name (split)"), (
            (r"(full|display|user|employee)? ?name", {"sure": "0.96"}), (r"(sales )?(agent|rep|representative|person|user)", {"sure": "0.96"}),
        ), several=False),
        Target("manager", _("Manager"), ((r"(team |sales )?(manager|supervisor|lead)|reports to", {}),), several=False),
        Target("office", _("Office"), ((r"(regional |sales )?office|region|branch|division", {}),), several=False),
    )

    def take(self, draft: Draft, target: str, parameters: dict[str, str], text: str) -> None:
        """Keep names, manager and office until the row is complete."""
        draft.parts.setdefault("person", {})[target] = " ".join(text.split())

    def complete(self, draft: Draft, planner: Any) -> None:
        """Split the name, invent the address, find or plan manager, office and team."""
        person, values = draft.parts.pop("person", {}), draft.values
        if person.get("full_name") and not values.get("first_name"):
            first, _blank, last = person["full_name"].rpartition(" ")
            values["first_name"], values["last_name"] = first, last
        name = f"{values.get('first_name') or ''} {values.get('last_name') or ''}".strip()
        users = planner.directories.of("user")
        users.look_up([name])
        if not values.get("email") and name:
            known = users.get(name)
            values["email"] = known.instance.email if known is not None and known.instance is not None else _invented(name)
        if "role" not in values:
            values["role"] = self._role("SALES_REP")
            draft.derived.add("role")
        if person.get("office"):
            values.setdefault("department", person["office"])
        team = self._team(planner, person.get("manager", ""), person.get("office", ""))
        if team is not None and "team" not in values:
            values["team"] = team

    def _team(self, planner: Any, manager: str, office: str) -> Found | None:
        teams = planner.directories.of("team")
        teams.look_up([])
        above = None
        if office:
            above = teams.get(office) or planner.plan_record("team", office, {"name": office})
        if not manager:
            return above
        found: Found | None = teams.get(manager)
        if found is None:
            head = self._manager(planner, manager, above, office)
            values: dict[str, Any] = {"name": manager, "manager": head}
            linked = {"manager": (head.id, head.instance)}
            if above is not None:
                values["parent"], linked["parent"] = above, (above.id, above.instance)
            found = planner.plan_record("team", manager, values, linked)
        return found

    def _manager(self, planner: Any, name: str, team: Found | None, office: str) -> Found:
        users = planner.directories.of("user")
        users.look_up([name])
        if (known := users.get(name)) is not None:
            return known  # type: ignore[no-any-return]
        first, _blank, last = name.rpartition(" ")
        role = self._role("SALES_MANAGER")
        values: dict[str, Any] = {"first_name": first, "last_name": last, "email": _invented(name), "role": role, "department": office}
        linked = {"role": (role.id, role.instance)}
        if team is not None:
            values["team"], linked["team"] = team, (team.id, team.instance)
        return planner.plan_record("user", name, values, linked)  # type: ignore[no-any-return]

    @staticmethod
    def _role(code: str) -> Found:
        role = Role.objects.get(code=code)
        return Found(role.pk, role.name, role)

    def written(self, objects: Sequence[dict[str, Any]], options: dict[str, Any]) -> None:
        """Invite the new people; the invitation is mailed when an administrator says so."""
        for user in User.objects.filter(pk__in=[o["id"] for o in objects]):
            rules.invite(user, SYSTEM, mail=False)


class TeamTransfer(Adapter):
    """A team is known by its name. Its group is made when the first record is shared with it, so an undo leaves none."""

    entity = "team"
    rarity = 0.3
    title_is_key = True


def _invented(name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", ".", fold(name)).strip(".")
    return f"{words or 'user'}@{INVENTED}"


register(UserTransfer())
register(TeamTransfer())
