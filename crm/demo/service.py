"""Loading the demo team and taking it away, for the command and for the pages."""

from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from crm.accounts.models import User
from crm.activity.intention import intend
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.undo.apply import apply_plan
from crm.activity.undo.plan import make_plan
from crm.demo.dating import Chronicle
from crm.demo.deals import Deals
from crm.demo.lists import share_views
from crm.demo.people import DOMAIN, address, make_team
from crm.demo.story import Story
from crm.lib.errors import Conflict

LABEL = "Demo data"


def demo_set() -> ChangeSet | None:
    """Return the change set that made the demo data, while it is there."""
    made = ChangeSet.objects.filter(label=LABEL, source=ChangeSet.Source.COMMAND).order_by("-created_at").first()
    if made is None or ChangeSet.objects.filter(undoes=made).exists():
        return None
    return made


def load_demo() -> tuple[int, int, int, ChangeSet]:
    """Write everything in one transaction, under one change set; return how many companies, people and deals."""
    if demo_set() is not None:
        raise Conflict(_("The demo team is here already."))
    if User.objects.filter(email__iexact=address("admin")).exists():
        raise Conflict(_("Somebody of the demo team has stayed: the demo cannot be loaded a second time."))
    with intend(source=ChangeSet.Source.COMMAND, label=LABEL, new=True) as intention:
        chronicle = Chronicle(intention)
        story = Story(make_team(), chronicle)
        story.tell_all()
        deals = Deals(story).make()
        story.talk(deals)
        story.plan(deals)
        story.aim()
        share_views(story.team["admin"])
        chronicle.write()
    return len(story.companies), len(story.people), len(deals), ChangeSet.objects.get(pk=intention.id)


def remove_demo(keep: User | None = None) -> int:
    """Take back everything the demo made, whatever became of it; return how many people stay, deactivated.

    ``keep`` is whoever asks: their own account stays, even if it is one of the demo team.
    """
    change_set = demo_set()
    if change_set is None:
        raise Conflict(_("There is no demo data here."))
    others = User.objects.active().filter(role__is_admin=True).exclude(email__iendswith=f"@{DOMAIN}")
    if not (keep is not None and keep.is_admin) and not others.exists():
        raise Conflict(_("Nobody else is an administrator. Make one first, then remove the demo."))
    kept = str(keep.pk) if keep is not None else ""

    def stays(_plan: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE undo_plan SET keep = 'kept' WHERE tbl = %s AND pk = %s", [User._meta.db_table, kept])

    with transaction.atomic(), intend(source=ChangeSet.Source.UNDO, label=f"Undo: {LABEL}", undoes=change_set.pk, new=True):
        if keep is not None:
            User.objects.filter(pk=keep.pk).update(team=None)
        apply_plan(make_plan(change_set, force=True, guards=[stays]))
        made = ActivityLog.objects.filter(change_set=change_set, table_name=User._meta.db_table)
        ids = [pk for pk in made.values_list("entity_id", flat=True) if str(pk) != kept]
        return User.objects.filter(pk__in=ids, email__iendswith=f"@{DOMAIN}").update(is_active=False)
