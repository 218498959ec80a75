"""``manage.py export ENTITY``: the records that a user may export, as a file or to standard output."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.accounts.models import User
from crm.activity.intention import Origin, acting_from
from crm.activity.models import ChangeSet
from crm.lib.errors import Refusal
from crm.records.entity import all_entities
from crm.transfer.export import export_pieces
from crm.transfer.export.writers import TYPES


class Command(BaseCommand):
    """Write an export without holding it in memory."""

    help = "Export the records of an entity as CSV, XLSX, JSON or XML."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("entity")
        parser.add_argument("--format", choices=list(TYPES), default="csv")
        parser.add_argument("--output", help="a file or a folder; standard output when left out")
        parser.add_argument("--as", dest="actor", metavar="EMAIL", help="whose rights hold (default: the first administrator)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Stream the records out; a refusal ends with code 2."""
        people = User.objects.active()
        actor = (
            people.filter(email__iexact=options["actor"]).first() if options["actor"]
            else people.filter(role__is_admin=True).order_by("created_at").first()
        )
        declared = next((e for e in all_entities().values() if options["entity"] in (e.name, e.plural)), None)
        if actor is None or declared is None:
            raise CommandError(_("There is no such entity, or no such user."), returncode=2)
        with acting_from(Origin(user_id=actor.pk, source=ChangeSet.Source.COMMAND)):
            try:
                rows = visible_to(actor, declared.model).order_by("pk")
                name, count, pieces = export_pieces(of=declared, queryset=rows, form=options["format"], actor=actor)
            except Refusal as refusal:
                raise CommandError(refusal.message, returncode=2) from None
            if not options["output"]:
                for piece in pieces:
                    sys.stdout.buffer.write(piece)
                return
            path = Path(options["output"])
            path = path / name if path.is_dir() else path
            with path.open("wb") as file:
                file.writelines(pieces)
        self.stdout.write(f"{count} × {declared.name} → {path}")
