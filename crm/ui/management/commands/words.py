"""``manage.py words``: bring the translations in line with the code."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from crm.ui.build import words


class Command(BaseCommand):
    """Gathers what the interface says, and tells what lacks a translation."""

    help = "Write new messages into locale/<language>, drop those that are gone, and list what is not translated."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the language."""
        parser.add_argument("languages", nargs="*", default=["de"], help="codes of languages (default: de)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Update each file, and say what is left to do."""
        for language in options["languages"]:
            catalog = words.update(settings.BASE_DIR, settings.OUR_PACKAGES, language)
            left = words.missing(catalog)
            for message in left:
                self.stdout.write(f"  {message.id!r}")
            self.stdout.write(f"{language}: {len(catalog)} messages, {len(left)} without words")
        words.compile_all(settings.BASE_DIR)
