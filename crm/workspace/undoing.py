"""What follows from an undo for people: whoever's rights went back is signed out of what he holds open."""

from crm.accounts.events import UserAccessChanged
from crm.accounts.models import FieldRight, Role, RolePermission, User
from crm.activity.facts import publish
from crm.activity.intention import current_intention
from crm.activity.models import ActivityLog
from crm.activity.undo import UndoCount, after_undo

RIGHTS = (Role, RolePermission, FieldRight)


def close_sockets(counts: list[UndoCount]) -> None:
    """Publish that access has changed: of the users that were changed, and of everyone whose role was."""
    changed = {c.model for c in counts if c.removed + c.changed + c.restored}
    intention = current_intention()
    if intention is None or not changed & {User, *RIGHTS}:
        return
    people = User.objects.active()
    if not changed & set(RIGHTS):
        touched = ActivityLog.objects.filter(change_set_id=intention.id, kind="change", table_name=User._meta.db_table)
        people = User.objects.filter(pk__in=touched.values("entity_id"))
    for user in people:
        publish(UserAccessChanged(user_id=user.pk, epoch=user.auth_epoch, reason="undo"), about=user)


after_undo(close_sockets)
