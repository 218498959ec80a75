"""What a field of an entity is: its kind, its words, its rules."""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _


class Kind(enum.StrEnum):
    """The kinds of a field. The first block is what custom fields can be (C4)."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    MULTI_CHOICE = "multi_choice"
    URL = "url"
    EMAIL = "email"
    PHONE = "phone"
    USER = "user"
    LINK = "link"

    INTEGER = "integer"
    ADDRESS = "address"
    JSON = "json"
    TAGS = "tags"
    CURRENCY = "currency"


TEXTUAL = frozenset({Kind.TEXT, Kind.LONG_TEXT, Kind.URL, Kind.EMAIL, Kind.PHONE, Kind.CURRENCY})
NUMERIC = frozenset({Kind.NUMBER, Kind.MONEY, Kind.INTEGER})
TEMPORAL = frozenset({Kind.DATE, Kind.DATETIME})
LINKS = frozenset({Kind.USER, Kind.LINK})


@dataclass(frozen=True)
class Choice:
    """One value of a choice field: what is stored, what is shown, in which tone or hue."""

    value: str
    label: Any
    tone: str = ""
    hue: str = ""


HUES = ["coral", "apricot", "amber", "olive", "green", "teal", "sky", "blue", "violet", "pink", "slate"]
_WORDS = (_("Coral"), _("Apricot"), _("Amber"), _("Olive"), _("Green"), _("Teal"), _("Sky"), _("Blue"), _("Violet"), _("Pink"), _("Slate"))
HUE_CHOICES = tuple(Choice(hue, word, hue=hue) for hue, word in zip(HUES, _WORDS, strict=True))


@dataclass(frozen=True)
class Field:
    """One field of an entity, as lists, forms, filters, import, export and the API know it.

    ``name`` is the API's name. ``path`` is the model attribute or ORM path (default: the name). A field with
    ``expression`` is computed: a function of the viewer that returns an ORM expression to annotate with. It may
    depend on his rights and on nothing else, for the statement is kept.
    """

    name: str
    kind: Kind
    label: Any
    path: str = ""
    required: bool = False
    writable: bool = True
    choices: tuple[Choice, ...] = ()
    choices_from: Callable[[], tuple[Choice, ...]] | None = None
    """Choices that are rows; read through ``options``."""
    link: str = ""
    """The entity that a LINK points to."""
    find_or_make: bool = False
    """A LINK that may be written by its target's title: found among the visible, or made."""
    max_length: int | None = None
    min_value: Decimal | int | None = None
    max_value: Decimal | int | None = None
    unique: bool = False
    sortable: bool = True
    filterable: bool = True
    group: Any = ""
    """The heading it stands under on the record page."""
    help: Any = ""
    formula: Any = ""
    """How the value comes about, where nobody writes it."""
    default: Any = None
    in_list: bool = False
    """Whether it is a column of the list by default."""
    in_form: bool = True
    quick: bool = False
    """Whether the short “create” dialog asks for it."""
    aggregate: str = ""
    """``sum`` or ``avg``: what stands under the column."""
    currency: str = ""
    """For MONEY: the name of the field that holds the currency."""
    aliases: tuple[str, ...] = ()
    """Headers under which other programs export it, folded (import mapping)."""
    expression: Callable[[Any], Any] | None = None
    custom: bool = False
    sensitive: bool = False
    """Personal data of which reading is logged and exports are marked."""
    offered: Callable[[Any], bool] | None = None
    """Whether a user has it at all, where it tells of other records than its own."""
    lent: bool = False
    """A measure that another app lends (``crm.records.measures``): the API and exports give it when it is asked for by name."""
    total: Callable[[Any, Any], Any] | None = None
    """What a measure comes to over a queryset of records, for a user, and its currency: the sum under its column."""
    width: int = 0
    """How wide its column is, in pixels, where the kind does not say."""
    place: str = ""
    """Where it stands in the two lines that a phone shows of a row: ``amount``, ``first`` or ``second``."""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def options(self) -> tuple[Choice, ...]:
        """Return the choices, declared or read from their table."""
        return self.choices_from() if self.choices_from else self.choices

    @property
    def source(self) -> str:
        """Return the ORM path of the value."""
        return self.path or self.name

    @property
    def computed(self) -> bool:
        """Tell whether the value is calculated and cannot be written."""
        return self.expression is not None

    @property
    def key(self) -> str:
        """Return the public name: ``custom.key`` for custom fields, the name otherwise."""
        return f"custom.{self.name}" if self.custom else self.name

    def choice(self, value: Any) -> Choice | None:
        """Return the choice of a stored value."""
        return next((c for c in self.options if c.value == value), None)


def choices_of(enumeration: Any, **tones: str) -> tuple[Choice, ...]:
    """Return the choices of a Django ``TextChoices``; ``tones`` maps values to tones (or ``hue:name``)."""
    made = []
    for value, label in enumeration.choices:
        tone = tones.get(value, "")
        hue = tone.removeprefix("hue:") if tone.startswith("hue:") else ""
        made.append(Choice(value, label, "" if hue else tone, hue))
    return tuple(made)
