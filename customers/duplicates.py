"""How people and companies that stand there twice are recognised."""

from typing import Any

from django.db.models import Case, F, Func, Q, TextField, Value, When
from django.db.models.functions import Concat, Left, Lower
from django.utils.translation import gettext_lazy as _
from rapidfuzz.fuzz import token_sort_ratio

from crm.lib.models import Fold
from crm.lib.text import LAST, fold
from crm.records.duplicates import Reason, Recognition, finds_duplicates
from customers.models import Company, Customer

ALIKE = 88
"""From this likeness of their names on (of 100) two records are worth a look."""


def _parts(first: Any, last: Any) -> Any:
    """Return two names as what a block shares; nothing where one of them is missing."""
    both = Concat(Fold(first), Value(" "), Fold(last), output_field=TextField())
    return Case(When(~Q(first_name="") & ~Q(last_name=""), then=both), default=Value(""), output_field=TextField())


def mailbox(address: str | None) -> str:
    """Return the box that an address leads to: what stands behind a plus sign is a note of its owner."""
    local, _at, domain = (address or "").lower().partition("@")
    return f"{local.partition('+')[0]}@{domain}" if local and domain else ""


def around_customer(obj: Customer, hidden: frozenset[str]) -> list[Q]:
    """Find the same number, mailbox or name; then a name so like that one of both may be mistyped."""
    number = obj.phone if "phone" not in hidden else ""
    # Each part is one that an index finds: the folded column (names, number), and the addresses.
    sure = Q(phone=number, search_text__contains=fold(number)) if number else Q()
    box = mailbox(obj.email if "email" not in hidden else "")
    local, _at, domain = box.partition("@")
    if len(local) > 2:
        noted = Q(email__lower__gte=f"{local}+", email__lower__lt=f"{local}+{LAST}", email__lower__endswith=f"@{domain}")
        sure |= Q(email__lower=box) | noted
    first, last = fold(obj.first_name), fold(obj.last_name)
    like = Q()
    if first and last:
        sure |= Q(search_text__gte=f"{first} {last} ", search_text__lt=f"{first} {last} {LAST}")
        # Either name may be mistyped, though hardly in its first letters.
        like |= Q(search_text__contains=last) & Q(search_text__contains=first[:3])
        like |= Q(search_text__contains=first) & Q(search_text__contains=last[:3])
    return [clause for clause in (sure, like) if clause]


def compare_customers(one: Customer, other: Customer, hidden: frozenset[str]) -> tuple[float, list[str]] | None:
    """Compare two people by name, number, mailbox and company."""
    name = fold(f"{one.first_name} {one.last_name}").strip()
    same = token_sort_ratio(name, fold(f"{other.first_name} {other.last_name}").strip()) if name else 0
    phone = bool(one.phone) and "phone" not in hidden and other.phone == one.phone
    company = bool(one.company_id) and "company" not in hidden and other.company_id == one.company_id
    box = "email" not in hidden and bool(mailbox(one.email)) and mailbox(one.email) == mailbox(other.email)
    if same < ALIKE and not ((phone or box) and (same > 60 or _shortened(one, other))):
        return None
    held = (("same-name", same == 100), ("like-name", ALIKE <= same < 100), ("phone", phone), ("mailbox", box), ("company", company))
    score = max(same, 80) if box or (phone and _shortened(one, other)) else same
    return min(1.0, score / 100 - 0.15 + 0.1 * phone + 0.15 * box + 0.1 * company), [code for code, holds in held if holds]


def _shortened(one: Customer, other: Customer) -> bool:
    """Tell whether two people have one family name and given names that may be short for each other (“J.”, “Liz”)."""
    first, second = (fold(c.first_name).rstrip(".") for c in (one, other))
    return bool(fold(one.last_name)) and fold(one.last_name) == fold(other.last_name) and (
        not first or not second or first[0] == second[0] or first in second or second in first
    )


finds_duplicates("customer", Recognition(
    reasons={
        "same-name": Reason(_("same name"), ("first_name", "last_name")), "like-name": Reason(_("similar name"), ("first_name", "last_name")),
        "phone": Reason(_("same phone number"), ("phone",)), "mailbox": Reason(_("same mailbox"), ("email",)),
        "company": Reason(_("same company"), ("company",)),
    },
    compare=compare_customers, around=around_customer,
    blocks=(
        F("phone"), Lower(Func(F("email"), Value(r"\+[^@]*@"), Value("@"), function="regexp_replace")),
        _parts(F("last_name"), Left(F("first_name"), 3)), _parts(F("first_name"), Left(F("last_name"), 3)),
    ),
    columns=("first_name", "last_name", "email", "phone", "company_id", "created_at"),
))


def around_company(obj: Company, hidden: frozenset[str]) -> list[Q]:
    """Find the same domain or name; then a name that differs by little more than its legal form."""
    words = sorted(fold(obj.name).split(), key=len, reverse=True)
    sure = Q(sort_key=fold(obj.name))
    own = (obj.domain or "").lower() if "domain" not in hidden else ""
    if own:
        sure |= Q(search_text__contains=own, domain__iexact=own)
    return [sure, *([Q(search_text__contains=words[0])] if words and len(words[0]) > 2 else [])]


def compare_companies(one: Company, other: Company, hidden: frozenset[str]) -> tuple[float, list[str]] | None:
    """Compare two organisations by name and domain."""
    same = token_sort_ratio(_plain(one.name), _plain(other.name))
    own = (one.domain or "").lower() if "domain" not in hidden else ""
    domain = bool(own) and (other.domain or "").lower() == own
    if same < ALIKE and not domain:
        return None
    held = (("same-name", same == 100), ("like-name", ALIKE <= same < 100), ("domain", domain))
    # One domain may be that of two daughters: without a like name it is a hint, no more.
    score = same / 100 - 0.1 + 0.2 * domain if same >= ALIKE else 0.75 + 0.1 * same / 100
    return min(1.0, score), [code for code, holds in held if holds]


_FORMS = frozenset({
    "gmbh", "mbh", "ag", "kg", "kgaa", "ohg", "gbr", "ug", "eg", "ev", "ek", "bv", "nv", "inc", "incorporated", "ltd", "limited", "llc", "llp",
    "lp", "co", "company", "corp", "corporation", "plc", "pty", "sa", "sas", "sarl", "sarlu", "eurl", "srl", "spa", "sl", "slu", "sau", "ltda",
    "lda", "ab", "as", "asa", "aps", "oy", "oyj", "kft", "zrt", "sro", "doo", "ooo", "zao", "ao", "se", "kk", "pvt", "pte", "bhd", "sdn",
})
_JOINED = frozenset({"and", "und", "et", "y", "e", "&", "+"})


def _plain(name: str) -> str:
    """Return a company's name without its legal form."""
    # “B.V.”, “S.p.A.” and “GmbH & Co. KG” are written in many ways; a name is never made of forms alone.
    words = fold(name).replace(".", "").replace(",", " ").replace("(", " ").replace(")", " ").replace("-", " ").split()
    own = [w for w in words if w not in _FORMS and w not in _JOINED]
    return " ".join(own) or fold(name)


finds_duplicates("company", Recognition(
    reasons={
        "same-name": Reason(_("same name"), ("name",)), "like-name": Reason(_("similar name"), ("name",)),
        "domain": Reason(_("same domain"), ("domain",)),
    },
    compare=compare_companies, around=around_company, blocks=(Lower("domain"), Left(F("sort_key"), 7)),
    columns=("name", "domain", "created_at"),
))
