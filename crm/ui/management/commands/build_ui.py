"""``manage.py build_ui``: make the style sheets, scripts, fonts and icons."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.ui.build.run import BuildFailed, build


class Command(BaseCommand):
    """Builds the front end, unless nothing changed since the last time."""

    help = "Build the front end into static/dist (needs no Node on the machine)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--force", action="store_true", help="build even when nothing has changed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build, and say what was done."""
        try:
            built = build(
                settings.BASE_DIR, sorted(settings.OUR_PACKAGES), force=options["force"], say=self.stdout.write
            )
        except (BuildFailed, ValueError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write("The front end is built." if built else "The front end is up to date.")
