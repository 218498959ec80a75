"""``manage.py signin-link EMAIL``: a way in for whoever holds the server."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.accounts.links import MINUTES, one_time_link
from crm.accounts.models import User
from crm.activity.facts import record_access


class Command(BaseCommand):
    """Prints a link that signs one person in once. A second factor that is set up is still asked for."""

    help = "Print a link that signs a person in once, within fifteen minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address."""
        parser.add_argument("email", metavar="EMAIL")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the link."""
        user = User.objects.active().filter(email__iexact=options["email"].strip()).first()
        if user is None:
            raise CommandError(f"There is no active user with the address {options['email']}.")
        record_access("accounts.sign_in_link_made", user=user)
        self.stdout.write(one_time_link(user))
        self.stderr.write(f"Good once, for {MINUTES} minutes.")
