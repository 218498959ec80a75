"""``manage.py undo CHANGE_SET``: take back everything that one act wrote."""

import json
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from crm.accounts.models import User
from crm.activity.intention import Origin, acting_from
from crm.activity.models import ChangeSet
from crm.activity.undo import preview_undo, undo
from crm.lib.errors import Refusal


class Command(BaseCommand):
    """Undo a change set, first saying what was edited since."""

    help = "Take back everything that a change set wrote (an import, a bulk edit, a merge, a single act)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("change_set")
        parser.add_argument("--as", dest="actor", metavar="EMAIL", help="who undoes it (default: the first administrator)")
        parser.add_argument("--force", action="store_true", help="also overwrite what was edited since")
        parser.add_argument("--preview", action="store_true", help="only tell what would be undone")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Preview, undo, report; a refusal ends with code 2."""
        people = User.objects.active()
        actor = (
            people.filter(email__iexact=options["actor"]).first() if options["actor"]
            else people.filter(role__is_admin=True).order_by("created_at").first()
        )
        try:
            change_set = ChangeSet.objects.filter(pk=uuid.UUID(options["change_set"])).first()
        except ValueError:
            change_set = None
        if actor is None or change_set is None:
            raise CommandError(_("There is no such change set, or no such user."), returncode=2)
        with acting_from(Origin(user_id=actor.pk, source=ChangeSet.Source.COMMAND)):
            try:
                preview = preview_undo(change_set, actor, force=options["force"])
                done = None if options["preview"] else undo(change_set=change_set, actor=actor, force=options["force"])
            except Refusal as refusal:
                self.stderr.write(self.style.ERROR(refusal.message))
                for detail in refusal.details:
                    self.stderr.write(f"  {detail.field}: {detail.message}")
                raise SystemExit(2) from None
        counts = [
            {"what": c.entity, "removed": c.removed, "changed": c.changed, "restored": c.restored, "kept": c.kept}
            for c in preview.counts
        ]
        kept = [{"what": k.entity, "id": k.record_id, "reason": str(k.sentence)} for k in preview.conflicts]
        said = {"undoes": str(change_set.pk), "change_set": str(done.pk) if done else None, "counts": counts, "kept": kept}
        if options["json"]:
            self.stdout.write(json.dumps(said, ensure_ascii=False))
            return
        for count in counts:
            self.stdout.write(
                f"  {count['what']}: {count['removed']} removed, {count['changed']} changed back, "
                f"{count['restored']} put back, {count['kept']} left alone"
            )
        for one in kept[:20]:
            self.stdout.write(f"  left alone: {one['what']} {one['id']}: {one['reason']}")
        if done:
            self.stdout.write(f"undone as change set {done.pk}")
