"""How people and companies that stand there twice are recognised."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from rapidfuzz.fuzz import token_sort_ratio

from crm.access.policy import field_rights
from crm.lib.text import fold
from crm.records.duplicates import Likeness, finds_duplicates, seen_like
from customers.models import Company, Customer

ALIKE = 88
"""From this likeness of their names on (of 100) two records are worth a look."""


@finds_duplicates("customer")
def like_customer(obj: Customer, user: Any) -> list[Likeness]:
    """Find the same number, or a name so like that one of both may be mistyped."""
    rights = field_rights(user, Customer)
    name = fold(f"{obj.first_name} {obj.last_name}").strip()
    number = obj.phone if rights.can_read("phone") else ""
    clause = Q(phone=number) if number else Q(pk__in=[])
    first, last = fold(obj.first_name), fold(obj.last_name)
    if first and last:
        # Either name may be mistyped, though hardly in its first letters.
        clause |= Q(search_text__contains=last) & Q(search_text__contains=first[:3])
        clause |= Q(search_text__contains=first) & Q(search_text__contains=last[:3])
    found = []
    for other in seen_like(obj, user, clause) if name or number else []:
        same = token_sort_ratio(name, fold(f"{other.first_name} {other.last_name}")) if name else 0
        phone = bool(number) and other.phone == number
        company = bool(obj.company_id) and other.company_id == obj.company_id and rights.can_read("company")
        if same >= ALIKE or (phone and same > 60):
            reasons = [r for r, holds in ((_("same name"), same == 100), (_("similar name"), ALIKE <= same < 100),
                                          (_("same phone number"), phone), (_("same company"), company)) if holds]
            found.append(Likeness(other, min(1.0, same / 100 - 0.15 + 0.1 * phone + 0.1 * company), tuple(reasons)))
    return found


@finds_duplicates("company")
def like_company(obj: Company, user: Any) -> list[Likeness]:
    """Find the same domain, or a name that differs by little more than its legal form."""
    words = sorted(fold(obj.name).split(), key=len, reverse=True)
    clause = Q(search_text__contains=words[0]) if words and len(words[0]) > 2 else Q(sort_key=fold(obj.name))
    own = (obj.domain or "").lower() if field_rights(user, Company).can_read("domain") else ""
    if own:
        clause |= Q(search_text__contains=own, domain__iexact=own)
    found = []
    for other in seen_like(obj, user, clause):
        same = token_sort_ratio(_plain(obj.name), _plain(other.name))
        domain = bool(own) and (other.domain or "").lower() == own
        if same >= ALIKE or domain:
            reasons = [r for r, holds in ((_("same name"), same == 100), (_("similar name"), ALIKE <= same < 100),
                                          (_("same domain"), domain)) if holds]
            found.append(Likeness(other, min(1.0, same / 100 - 0.1 + 0.2 * domain), tuple(reasons)))
    return found


_FORMS = {"gmbh", "ag", "bv", "b.v.", "inc", "inc.", "ltd", "ltd.", "llc", "co", "co.", "corp", "corp.", "sa", "s.a.", "ab", "oy", "as", "plc"}


def _plain(name: str) -> str:
    """Return a company's name without its legal form."""
    words = [w for w in fold(name).replace(",", " ").split() if w not in _FORMS]
    return " ".join(words) or fold(name)
