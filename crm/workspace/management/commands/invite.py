"""``manage.py invite EMAIL --role CODE``: the way in for the first administrator, and for others without mail."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.access.policy import SYSTEM
from crm.accounts.invitations import DAYS, link_of, open_invitation
from crm.accounts.models import Role, User
from crm.activity.facts import record_access
from crm.activity.intention import Origin, acting_from
from crm.activity.models import ChangeSet
from crm.lib.errors import Refusal
from crm.workspace.services.users import invite_user


class Command(BaseCommand):
    """Prints a link, good once, by which a person chooses a name and a password. Nothing is mailed."""

    help = "Invite a person, and print the link by which they choose a password. For the first administrator: --role ADMIN."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address and the role."""
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--role", metavar="CODE", default="SALES_REP", help="code of the role (default: SALES_REP)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the person where there is none, and print the link."""
        email = options["email"].strip()
        role = Role.objects.filter(code=options["role"].upper()).first()
        if role is None:
            codes = ", ".join(Role.objects.order_by("code").values_list("code", flat=True))
            raise CommandError(f"There is no role {options['role']}. There are: {codes}.")
        user = User.objects.filter(email__iexact=email).first()
        with acting_from(Origin(source=ChangeSet.Source.COMMAND)):
            try:
                user = user or invite_user(actor=SYSTEM, email=email, role=role)
            except Refusal as refusal:
                raise CommandError(" ".join([refusal.message, *(detail.message for detail in refusal.details)])) from None
            invitation = open_invitation(user) if user.is_active else None
            if invitation is None:
                raise CommandError(f"{user.email} is here already. For a link to sign in: manage.py signin-link {user.email}")
            if user.role_id != role.pk:
                raise CommandError(f"{user.email} is invited already, with another role ({user.role.code}).")
            record_access("accounts.invitation_printed", user=user)
            self.stdout.write(link_of(invitation))
        self.stderr.write(f"Good once, for {DAYS} days. Earlier links of this invitation are dead.")
