"""The cast of the tests: two teams and the people around them, as in the demo.

``rep`` is in the team of ``manager``, ``rep2`` in that of ``manager2``; the others have no team.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from crm.access import stamps
from crm.accounts.models import Role, Team, User

CAST = {
    "admin": ("ADMIN", "Ada", "Admin"),
    "manager": ("SALES_MANAGER", "Mara", "Manager"),
    "manager2": ("SALES_MANAGER", "Malik", "Manager"),
    "rep": ("SALES_REP", "Rosa", "Rep"),
    "rep2": ("SALES_REP", "Rafi", "Rep"),
    "support": ("SUPPORT", "Suri", "Support"),
    "marketing": ("MARKETING", "Milo", "Marketing"),
    "readonly": ("READ_ONLY", "Rune", "Reader"),
}
PASSWORD = "wide-open-steppe-42"


@pytest.fixture(autouse=True)
def forget_stamps() -> None:
    """Let no test know what another one defined: its transaction was taken back."""
    stamps.forget()


@pytest.fixture(autouse=True)
def wide_quota(settings: Any) -> None:
    """Let no test use up the quota of another one: all come from one address. Tests of the quota set their own."""
    settings.API_QUOTA_PER_MINUTE = 1_000_000


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    """Return a function that makes a user of a role: ``make_user("SALES_REP", email=…, team=…)``."""
    made = 0

    def make(role: str | Role = "SALES_REP", *, password: str | None = None, **fields: Any) -> User:
        nonlocal made
        made += 1
        fields.setdefault("email", f"person{made}@example.com")
        found = role if isinstance(role, Role) else Role.objects.get(code=role)
        return User.objects.create_user(fields.pop("email"), password, role=found, **fields)

    return make


@pytest.fixture
def cast(make_user: Callable[..., User]) -> Callable[[str], User]:
    """Return a function that gives one of the cast by name, made when first asked for."""
    known: dict[str, User] = {}
    teams: dict[str, Team] = {}

    def team_of(leader: str) -> Team:
        if leader not in teams:
            teams[leader] = Team.objects.create(name={"manager": "North", "manager2": "South"}[leader])
            person = give(leader)
            person.team = teams[leader]
            person.save(update_fields=["team"])
            teams[leader].manager = person
            teams[leader].save(update_fields=["manager"])
        return teams[leader]

    def give(name: str) -> User:
        if name not in known:
            code, first, last = CAST[name]
            known[name] = make_user(code, email=f"{name}@example.com", first_name=first, last_name=last)
            if name in ("manager", "manager2"):
                team_of(name)
            elif name in ("rep", "rep2"):
                known[name].team = team_of(name.replace("rep", "manager"))
                known[name].save(update_fields=["team"])
        return known[name]

    return give


def _member(name: str) -> Any:
    @pytest.fixture(name=name)
    def member(cast: Callable[[str], User]) -> User:
        return cast(name)

    member.__doc__ = f"Return the cast’s {name}."
    return member


admin = _member("admin")
manager = _member("manager")
manager2 = _member("manager2")
rep = _member("rep")
rep2 = _member("rep2")
support = _member("support")
marketing = _member("marketing")
readonly = _member("readonly")


@pytest.fixture
def client_for() -> Callable[[User | None], Client]:
    """Return a function that gives a browser-like client, signed in as a user (None: a stranger)."""

    def make(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return make


@pytest.fixture
def api() -> Callable[[User | None], APIClient]:
    """Return a function that gives an API client: JSON by default, signed in as a user (None: a stranger)."""

    def make(user: User | None) -> APIClient:
        client = APIClient()
        client.default_format = "json"
        if user is not None:
            client.force_login(user)
        return client

    return make
