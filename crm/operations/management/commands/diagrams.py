"""``manage.py diagrams``: draw the architecture from the code."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.operations.diagrams import page


class Command(BaseCommand):
    """Write ``docs/architecture.md``, or tell whether it is current."""

    help = "Draw the architecture from the code into docs/architecture.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the check."""
        parser.add_argument("--check", action="store_true", help="Write nothing; fail if the page is not current.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write or compare."""
        target = settings.BASE_DIR / "docs" / "architecture.md"
        wanted = page(settings.BASE_DIR)
        current = target.is_file() and target.read_text(encoding="utf-8") == wanted
        if options["check"]:
            if not current:
                raise CommandError("docs/architecture.md is not current. Run: make docs")
            return
        target.write_text(wanted, encoding="utf-8")
        self.stdout.write("docs/architecture.md is " + ("current." if current else "drawn."))
