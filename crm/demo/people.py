"""The demo team: eight people, two teams, no password unless one is given."""

from django.conf import settings
from django.contrib.auth.hashers import make_password

from crm.accounts.models import Role, Team, User
from crm.demo.words import TEAM

DOMAIN = "demo.example"


def address(code: str) -> str:
    """Return the address of one of the team: ``rep@demo.example``."""
    return f"{code}@{DOMAIN}"


def make_team() -> dict[str, User]:
    """Make the team, and return its people by code."""
    # One hash for all: they share the password, and hashing is slow on purpose.
    password = make_password(settings.DEMO_PASSWORD or None)
    teams: dict[str, Team] = {}
    people: dict[str, User] = {}
    for code, first, last, role, team, department in TEAM:
        if team and team not in teams:
            teams[team] = Team.objects.filter(name__iexact=team).first() or Team.objects.create(name=team)
        people[code] = User.objects.create(
            email=address(code),
            first_name=first,
            last_name=last,
            password=password,
            role=Role.objects.get(code=role),
            team=teams.get(team or ""),
            department=department,
        )
    for name, leader in (("North", "manager"), ("South", "manager2")):
        teams[name].manager = people[leader]
        teams[name].save()
    return people
