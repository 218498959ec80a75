"""What is printed when everything runs: the address, and a link to sign in with."""

from collections.abc import Callable

from django.conf import settings
from django.db import connection

from crm.accounts.links import one_time_link
from crm.accounts.models import User


def print_welcome(say: Callable[[str], None], *, seconds: float, first: bool) -> None:
    """Print the address and, outside production, a one-time link for the first administrator."""
    say("")
    say(f"Rapport runs at {settings.SITE_URL} (ready after {seconds:.1f} s). Ctrl-C stops it.")
    user = User.objects.active().filter(role__is_admin=True).order_by("created_at").first()
    if user is None:
        say("There is no administrator yet. Make one: .venv/bin/python manage.py createsuperuser")
    elif not settings.PRODUCTION:
        say(f"Sign in as {user.email} by this link, which works once:")
        say(f"  {one_time_link(user)}")
        if first and settings.DEMO_PASSWORD:
            say("The other demo people sign in with RAPPORT_DEMO_PASSWORD.")
    say("")
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
