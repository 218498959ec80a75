"""``manage.py demo``: an invented team with a year of history, and its removal."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from crm.accounts.models import User
from crm.activity.intention import intend
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.undo.apply import apply_plan
from crm.activity.undo.plan import make_plan
from crm.demo.dating import Chronicle
from crm.demo.deals import Deals
from crm.demo.people import DOMAIN, address, make_team
from crm.demo.story import Story

LABEL = "Demo data"


class Command(BaseCommand):
    """Load the demo team, or take it away again."""

    help = "Load an invented team with a year of history; with --remove, take it away again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the two ways."""
        parser.add_argument("--remove", action="store_true", help="Remove the demo data and the demo people.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load or remove."""
        if options["remove"]:
            self.remove()
        else:
            self.load()

    def load(self) -> None:
        """Write everything in one transaction, under one change set."""
        if User.objects.filter(email__iexact=address("admin")).exists():
            raise CommandError("The demo team is here already. Remove it first: manage.py demo --remove")
        with intend(source=ChangeSet.Source.COMMAND, label=LABEL, new=True) as intention:
            chronicle = Chronicle(intention)
            story = Story(make_team(), chronicle)
            story.tell_all()
            deals = Deals(story).make()
            story.talk(deals)
            story.plan(deals)
            story.aim()
            chronicle.write()
        self.stdout.write(
            f"Loaded {len(story.companies)} companies, {len(story.people)} people and {len(deals)} deals "
            f"under the change set {intention.id}."
        )

    def remove(self) -> None:
        """Take back everything the demo made, whatever became of it; who has left traces stays, deactivated."""
        change_set = ChangeSet.objects.filter(label=LABEL, source=ChangeSet.Source.COMMAND).order_by("-created_at").first()
        if change_set is None:
            raise CommandError("There is no demo data here.")
        others = User.objects.active().filter(role__is_admin=True).exclude(email__iendswith=f"@{DOMAIN}")
        if not others.exists():
            raise CommandError(
                "Nobody else is an administrator. Make one first, then remove the demo: manage.py createsuperuser"
            )
        with transaction.atomic(), intend(source=ChangeSet.Source.UNDO, label=f"Undo: {LABEL}", undoes=change_set.pk, new=True):
            apply_plan(make_plan(change_set, force=True, guards=[]))
            made = ActivityLog.objects.filter(change_set=change_set, table_name=User._meta.db_table)
            ids = made.values_list("entity_id", flat=True)
            left = User.objects.filter(pk__in=list(ids), email__iendswith=f"@{DOMAIN}").update(is_active=False)
        self.stdout.write("The demo data is removed.")
        if left:
            self.stdout.write(f"{left} demo people have left traces in other records: they are deactivated, not removed.")
