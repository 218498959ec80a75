"""What the workspace does in the background."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.access.policy import SYSTEM
from crm.accounts.invitations import open_invitation
from crm.accounts.mails import request_invitation
from crm.accounts.models import Role, User
from crm.jobs.engine import Run, job
from crm.records.services import create_record


@job("workspace.register", queue="mail", label=_("Registration"))
def register(run: Run) -> dict[str, Any]:
    """Make a user without any rights and mail the link; to someone who is here already, send nothing."""
    if not settings.REGISTRATION_OPEN:
        return {"made": 0}
    known = User.objects.filter(email__iexact=run.params["email"]).first()
    if known is not None:
        waiting = open_invitation(known)
        if waiting is not None:
            request_invitation(waiting)
        return {"made": 0}
    role = Role.objects.get(code="NEWCOMER")
    create_record(of="user", data={**run.params, "role": str(role.pk)}, actor=SYSTEM)
    return {"made": 1}
