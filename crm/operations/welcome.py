"""What is printed when everything runs: the address, and a link to sign in with."""

from django.conf import settings
from django.db import connection

from crm.accounts.links import one_time_link
from crm.accounts.models import User


def lines(*, first: bool) -> list[str]:
    """Return how to sign in: outside production, by a one-time link for the first administrator."""
    found = []
    user = User.objects.active().filter(role__is_admin=True).order_by("created_at").first()
    if user is None:
        found.append("There is no administrator yet. Invite one: .venv/bin/python manage.py invite you@example.com --role ADMIN")
    elif not settings.PRODUCTION:
        found += [f"Sign in as {user.email} by this link, which works once:", f"  {one_time_link(user)}"]
        if first and settings.DEMO_PASSWORD:
            found.append("The other demo people sign in with RAPPORT_DEMO_PASSWORD.")
    close_connections()
    return found


def close_connections() -> None:
    """Close what the supervisor has asked the database by: the pool's threads must not be there at a fork."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
