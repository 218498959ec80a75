"""What other programs call the parts of people and companies: the targets of imports, and how their headers read."""

from django.utils.translation import gettext_lazy as _

from crm.transfer.adapters import Target
from customers.models import CustomerContact

EMAIL, PHONE = CustomerContact.Kind.EMAIL, CustomerContact.Kind.PHONE
_PLACE = (
    r"(?P<label>home|work|business|other|private|mobile|secondary|main|primary|office|assistant|asst|personal|direct|alternate|company|"
    r"company main|car|radio|business main|home 2|callback|tty tdd|isdn|telex)"
)
_ADDRESS_OF = r"(?P<label>home|work|business|other|billing|shipping|mailing|physical|office|postal|primary|alternate|alt|delivery|private|company)"
_NUMBERED = r"address (?P<label>\d+)"
_PARTS = {
    "line1": r"(street|street name|address|address 1|address line 1|street address|line 1|street 1)",
    "line2": r"(address 2|address line 2|street 2|line 2|extended address|address line 3|street 3|po box|post office box)",
    "city": r"(city|town|locality)", "region": r"(state|region|province|county|state province|state region)",
    "postal_code": r"(zip|zip ?code|postal code|post ?code|zip postal code|postal zip)", "country": r"(country|country region|country name)",
}


def _address_patterns(place: str) -> tuple[tuple[str, dict[str, str]], ...]:
    if not place:
        return tuple((pattern, {"part": part, "sure": "0.9"}) for part, pattern in _PARTS.items())
    return tuple((rf"{place} {pattern}", {"part": part}) for part, pattern in _PARTS.items())


COMPANY_TARGETS = (
    Target("main_address", _("Part of the address"), (
        *((f"(?:billing|mailing|office|head ?office|primary|main|business|company)? ?{p}", {"part": part, "sure": "0.9"}) for part, p in _PARTS.items()),
        ("zipcode", {"part": "postal_code"}), ("state abbr", {"part": "region"}), ("office location", {"part": "country", "sure": "0.99"}),
    )),
)
CUSTOMER_TARGETS = (
    Target("full_name", _("Full name (split)"), (
        (r"(full|display|contact|client|customer|lead|person|complete|kontakt)? ?name", {"sure": "0.96"}),
        (r"(nombre|nom|nome|nmae)", {"sure": "0.8"}),
    ), several=False),
    Target("contact_methods", _("Contact method"), (
        (rf"e ?mail(?: address)? {_PLACE}", {"kind": EMAIL}),
        (rf"{_PLACE} e ?mails?(?: address(?:es)?)?", {"kind": EMAIL}),
        (r"e ?mail (?P<label>\d+)(?: address| value| street)?", {"kind": EMAIL}),
        (r"(?:additional|other|further) e ?mails?(?: address(?:es)?)?", {"kind": EMAIL}),
        (r"e ?mails?", {"kind": EMAIL, "sure": "0.6"}),
        (r"(?P<label>home|business|work|other) fax(?: number)?", {"kind": CustomerContact.Kind.FAX}),
        (r"fax(?: (?:number|work|home))?", {"kind": CustomerContact.Kind.FAX, "label": "fax"}),
        (r"(?:mobile|cell)(?: ?phone)?(?: number)?(?: \d+)?", {"kind": CustomerContact.Kind.MOBILE, "label": "mobile", "sure": "0.9"}),
        (r"pager(?: number)?", {"kind": PHONE, "label": "pager"}),
        (rf"{_PLACE} (?:phone|number|telephone)(?: \d+)?(?: number)?", {"kind": PHONE}),
        (r"phone (?P<label>home|work|business|other|mobile|main|office)", {"kind": PHONE}),
        (r"phones?", {"kind": PHONE, "sure": "0.6"}),
        (r"phone (?P<label>\d+)(?: value| number)?", {"kind": PHONE}),
        (r"(?:web ?page|website)(?: (?P<label>\d+|home|work|blog|profile|other|ftp))?(?: page| value)?",
         {"kind": CustomerContact.Kind.WEBSITE, "sure": "0.85"}),
        (r"(?:business|personal|home) (?:web ?page|website|homepage)", {"kind": CustomerContact.Kind.WEBSITE}),
        (r"websites", {"kind": CustomerContact.Kind.WEBSITE}),
        (r"(?P<label>linkedin|twitter|facebook|instagram|xing|github|x)(?: url| profile| profile url| handle| username| bio| id| page)?",
         {"kind": CustomerContact.Kind.SOCIAL}),
        (r"(?P<label>im|screen name|skype|jabber|icq|messenger|whatsapp|telegram|wechat|line|signal)s?(?: id| name| handle| username| address)?|messengers",
         {"kind": CustomerContact.Kind.MESSENGER}),
        (r"im (?P<label>\d+)(?: value)?", {"kind": CustomerContact.Kind.MESSENGER}),
    )),
    Target("method_label", _("Label of a contact method"), (
        (r"e ?mail (?P<label>\d+) (?:label|type)", {"kind": EMAIL}), (r"phone (?P<label>\d+) (?:label|type)", {"kind": PHONE}),
        (r"website (?P<label>\d+) (?:label|type)", {"kind": CustomerContact.Kind.WEBSITE}),
        (r"im (?P<label>\d+) (?:label|type|service)", {"kind": CustomerContact.Kind.MESSENGER}),
    )),
    Target("addresses", _("Further address"), (
        *_address_patterns(_ADDRESS_OF), *_address_patterns(_NUMBERED), (rf"{_ADDRESS_OF} address", {}), (r"addresses", {}),
        (rf"{_NUMBERED} (?:label|type)", {"part": "label"}), (rf"{_NUMBERED} formatted", {"part": "formatted"}),
    )),
    Target("main_address", _("Part of the address"), _address_patterns("")),
    Target("birthday_part", _("Part of the birthday"), (
        (r"birth (?P<part>year|month|day)", {}),
    )),
    Target("name_part", _("Part of the name"), (
        (r"(middle|additional|second) names?", {"part": "middle"}), (r"(name )?suffix", {"part": "suffix"}),
    )),
)
_LEAD = (
    "new lead subscriber open raw inquiry suspect unworked cold uncontacted interested pending mql neu nouveau nuevo nuovo novo; "
    "open not contacted; not contacted; attempted to contact; contact in future; marketing qualified lead; new lead; to contact; lead in; web lead"
)
_PROSPECT = (
    "prospect qualified working contacted connected opportunity nurturing nurture warm hot engaged sql qualifiziert; sales qualified lead; working contacted; "
    "in progress; pre qualified; open deal; follow up; in contact; proposal sent; demo scheduled; meeting scheduled; sales qualified; in negotiation"
)
_CUSTOMER = (
    "customer client active won converted evangelist paying kunde cliente klient klant asiakas müşteri клиент; closed converted; existing customer; "
    "current customer; closed won; active customer; paying customer"
)
_INACTIVE = (
    "inactive lost dead junk unqualified disqualified churned former archived recycled ehemalig verloren perdu perdido perso; junk lead; not qualified; "
    "closed not converted; lost lead; bad timing; not interested; do not contact; closed lost; former customer; no longer interested"
)


def _meanings(**of: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for value, text in of.items():
        first, *phrases = text.split("; ")
        found |= dict.fromkeys([*first.split(), *phrases], value)
    return found


STATUS_WORDS = _meanings(LEAD=_LEAD, PROSPECT=_PROSPECT, CUSTOMER=_CUSTOMER, INACTIVE=_INACTIVE)
