"""``manage.py demo``: an invented team with a year of history, and its removal."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.demo.service import load_demo, remove_demo
from crm.lib.errors import Refusal


class Command(BaseCommand):
    """Load the demo team, or take it away again."""

    help = "Load an invented team with a year of history; with --remove, take it away again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the two ways."""
        parser.add_argument("--remove", action="store_true", help="Remove the demo data and the demo people.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load or remove."""
        try:
            if options["remove"]:
                self.remove()
            else:
                self.load()
        except Refusal as refusal:
            hint = "" if options["remove"] else " Remove it first: manage.py demo --remove"
            raise CommandError(f"{refusal.message}{hint}") from None

    def load(self) -> None:
        """Load, and say how much."""
        companies, people, deals, change_set = load_demo()
        self.stdout.write(
            f"Loaded {companies} companies, {people} people and {deals} deals under the change set {change_set.pk}."
        )

    def remove(self) -> None:
        """Remove, and say who has left traces."""
        left = remove_demo()
        self.stdout.write("The demo data is removed.")
        if left:
            self.stdout.write(f"{left} demo people have left traces in other records: they are deactivated, not removed.")
