"""People who are named in a text: ``@Priya Nair`` or ``@priya@example.com`` (X5)."""

import re

from django.db.models import Q, Value
from django.db.models.functions import Concat, Lower, StrIndex, Trim

from crm.accounts.models import User

_ADDRESS = re.compile(r"@([\w.+-]+@[\w.-]+\w)")
MOST = 50


def mentioned_in(text: str) -> list[User]:
    """Return the active people whom a text names after an @; of two names that begin alike the longer one."""
    if "@" not in text:
        return []
    folded = text.lower()
    addresses = [a.lower() for a in _ADDRESS.findall(text)[:MOST]]
    at = StrIndex(Value(folded), Concat(Value("@"), Lower(Trim(Concat("first_name", Value(" "), "last_name")))))
    people = User.objects.active().annotate(at=at).filter(Q(at__gt=0) | Q(email__in=addresses))
    found: list[User] = []
    taken: set[int] = set()
    for user in sorted(people[: MOST * 2], key=lambda u: -len(u.name)):
        places = {m.start() for m in re.finditer(rf"@{re.escape(user.name.lower())}(?!\w)", folded)}
        if user.email.lower() in addresses or places - taken:
            found.append(user)
        taken |= places
    return found[:MOST]
