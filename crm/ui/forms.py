"""How forms look: Django's own forms and the ones made from an entity's fields."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import Decimal
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import QueryDict
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.lib.errors import Refusal
from crm.lib.ids import parse_uuid
from crm.lib.languages import number_to_type, typed_number
from crm.records.entity import Entity, entity
from crm.records.fields import Field, Kind
from crm.records.services.values import ADDRESS_LABELS
from crm.ui.problems import problems_of
from crm.ui.values import is_seen, value_of

NUMBERS = frozenset({Kind.NUMBER, Kind.INTEGER, Kind.MONEY})


class Renderer(DjangoTemplates):
    """Draws forms with our templates where there is one, with Django's otherwise."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"

    def get_template(self, template_name: str) -> Any:
        """Return our template of this name, or Django's."""
        try:
            return get_template(template_name)
        except TemplateDoesNotExist:
            return super().get_template(template_name)


@dataclass(frozen=True)
class Unseen:
    """What a record links to and its viewer may not see: it can be kept or replaced, and has no name."""

    pk: Any

    def __str__(self) -> str:
        return _("Hidden")


@dataclass
class FormField:
    """One field of a form made from an entity: its control, its value as typed, and what is wrong with it."""

    field: Field
    value: Any = None
    errors: list[str] = dataclass_field(default_factory=list)
    currency: "FormField | None" = None
    """For money: the field of its currency, drawn beside it."""
    prefix: str = ""
    theirs: Any = None
    """What somebody else (``by``) wrote meanwhile, when it must be asked which of both stays."""
    by: str = ""

    @property
    def name(self) -> str:
        """Return the name of the control: the field's public key."""
        return self.field.key

    @property
    def id(self) -> str:
        """Return the id of the control."""
        return f"{self.prefix}f-{self.field.key.replace('.', '-')}"

    @property
    def described_by(self) -> str:
        """Return the ids of what explains the control."""
        ids = [f"{self.id}-help"] if self.field.help else []
        return " ".join([*ids, f"{self.id}-error"] if self.errors else ids)

    @property
    def control(self) -> str:
        """Return which control it is."""
        return _CONTROLS.get(self.field.kind, "text")

    @property
    def wide(self) -> bool:
        """Tell whether it takes the whole width."""
        return self.field.kind in (Kind.LONG_TEXT, Kind.ADDRESS, Kind.TAGS)

    @property
    def options(self) -> list[tuple[str, Any, bool]]:
        """Return the choices: value, label, and whether it is chosen."""
        chosen = self.value if isinstance(self.value, list) else [self.value]
        return [(c.value, c.label, c.value in chosen) for c in self.field.options]

    @property
    def remote(self) -> str:
        """Return where records to choose from are looked up."""
        target = "user" if self.field.kind == Kind.USER else "tag" if self.field.kind == Kind.TAGS else self.field.link
        return f"/options/{target}"

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """Return the chosen records as value and title."""
        if self.value in (None, "", []):
            return []
        return [_titled(v) for v in (self.value if isinstance(self.value, list) else [self.value])]

    @property
    def words(self) -> str:
        """Return the value as a sentence names it."""
        if self.options:
            return ", ".join(str(label) for _value, label, on in self.options if on)
        return ", ".join(title for _value, title in self.chosen) if self.control in ("record", "tags") else self.text

    @property
    def can_make(self) -> bool:
        """Tell whether a new one may be typed."""
        return self.field.kind == Kind.TAGS or self.field.find_or_make

    @property
    def parts(self) -> list[tuple[str, Any, str]]:
        """Return the parts of an address: key, label, value."""
        value = self.value if isinstance(self.value, dict) else {}
        return [(key, label, value.get(key, "")) for key, label in ADDRESS_LABELS.items()]

    @property
    def text(self) -> str:
        """Return the value as an input takes it."""
        value = self.value
        if value is None:
            return ""
        if isinstance(value, dt.datetime):
            return timezone.localtime(value).strftime("%Y-%m-%dT%H:%M")
        if self.field.kind == Kind.DATETIME and isinstance(value, str) and value.endswith("Z"):
            return timezone.localtime(dt.datetime.fromisoformat(value)).strftime("%Y-%m-%dT%H:%M")
        if isinstance(value, dt.date):
            return value.isoformat()
        text = f"{value:f}" if isinstance(value, Decimal) else str(value)
        return number_to_type(text) if self.field.kind in NUMBERS else text


class EntityForm:
    """A form made from an entity's fields. It only shows and reads; the verbs check and write."""

    def __init__(
        self, of: Entity, user: Any, instance: Any = None, data: QueryDict | None = None, *,
        only: Iterable[str] | None = None, quick: bool = False, initial: dict[str, Any] | None = None, prefix: str = "",
    ) -> None:
        self.entity, self.user, self.instance, self.data = of, user, instance, data
        self.errors: dict[str, list[str]] = {}
        writable = of.writable_fields(user)
        keys = [k for k, f in writable.items() if f.in_form and f.kind != Kind.JSON]
        if only is not None:
            wanted = list(only)
            keys = [k for k in writable if k in wanted]
        elif quick:
            keys = [k for k in keys if writable[k].quick or writable[k].required]
        start = (initial or {}) if instance is None else {}
        self.fields = {k: FormField(writable[k], self._start(writable[k], start), prefix=prefix) for k in keys}
        if data is not None:
            for made in self.fields.values():
                made.value = read_value(made.field, data)
        for made in list(self.fields.values()):
            if made.field.currency in self.fields:
                made.currency = self.fields[made.field.currency]
        if data is None:
            self.name_links()

    def _start(self, f: Field, initial: dict[str, Any]) -> Any:
        if self.instance is not None:
            value = value_of(self.instance, f)
            if f.kind == Kind.LINK and not f.custom and value is not None and not is_seen(self.instance, f):
                return Unseen(value.pk)
            return value
        if f.key in initial:
            return initial[f.key]
        return f.default() if callable(f.default) else f.default

    def name_links(self) -> None:
        """Put the records in the place of their ids, so that the controls show names."""
        for made in self.fields.values():
            if made.field.kind in (Kind.LINK, Kind.USER) and isinstance(made.value, str) and parse_uuid(made.value):
                target = entity("user" if made.field.kind == Kind.USER else made.field.link)
                made.value = visible_to(self.user, target.model).filter(pk=made.value).first() or Unseen(made.value)

    @property
    def beside(self) -> set[str]:
        """Return the currency fields that are drawn beside their amount."""
        return {m.currency.name for m in self.fields.values() if m.currency}

    @property
    def drawn(self) -> list[FormField]:
        """Return the fields in their order."""
        beside = self.beside
        return [m for k, m in self.fields.items() if k not in beside]

    @property
    def groups(self) -> list[tuple[Any, list[FormField]]]:
        """Return the fields under their headings."""
        found: dict[str, tuple[Any, list[FormField]]] = {}
        for made in self.drawn:
            heading = made.field.group or _("More")
            found.setdefault(str(heading), (heading, []))[1].append(made)
        return list(found.values())

    def values(self) -> dict[str, Any]:
        """Return what was sent, as the verbs take it; for a new record without what was left empty."""
        sent = {k: m.value for k, m in self.fields.items()}
        if self.instance is None:
            return {k: v for k, v in sent.items() if v not in (None, "", [], {}) or self.fields[k].field.required}
        return sent

    def refuse(self, error: Refusal) -> None:
        """Keep a refusal's sentences with their fields; what belongs to none stands on top."""
        for name, sentences in problems_of(error).items():
            key = name if name in self.fields else name.rpartition(".")[0] if name.rpartition(".")[0] in self.fields else ""
            label = "" if key or not name or name not in self.entity.own_fields else f"{self.entity.own_fields[name].label}: "
            said = [f"{label}{s}" for s in sentences]
            if key:
                self.fields[key].errors += said
            self.errors.setdefault(key, []).extend(said)
        self.name_links()

    @property
    def problems(self) -> list[str]:
        """Return what is wrong with the whole."""
        return self.errors.get("", [])


def with_others_tags(values: dict[str, Any], obj: Any, data: QueryDict) -> dict[str, Any]:
    """Return the values of a form so that only what it added to the tags is added, and only what it took is taken away."""
    was = {v for v in data.getlist("tags.was") if v}
    if "tags" not in values or "tags.was" not in data:
        return values
    sent = list(values["tags"])
    now = [str(tag.pk) for tag in obj.tags.all()]
    kept = [pk for pk in now if pk in sent or pk not in was]
    return {**values, "tags": [*kept, *(v for v in sent if v not in now and v not in was)]}


def read_value(f: Field, data: QueryDict) -> Any:
    """Return what a form sent for a field, as loose values the services convert."""
    key = f.key
    if f.kind in (Kind.TAGS, Kind.MULTI_CHOICE):
        return [v for v in data.getlist(key) if v]
    if f.kind == Kind.BOOLEAN:
        return data.get(key, "") in ("1", "true", "on")
    if f.kind == Kind.ADDRESS:
        return {part: data.get(f"{key}.{part}", "").strip() for part in ADDRESS_LABELS if data.get(f"{key}.{part}", "").strip()}
    value = data.get(key, "")
    if f.kind in NUMBERS:
        return typed_number(value.strip())
    return value if f.kind == Kind.LONG_TEXT else value.strip()


def _titled(value: Any) -> tuple[str, str]:
    pk = getattr(value, "pk", None)
    if pk is not None:
        return str(pk), str(value)
    return str(value), str(value)


_CONTROLS = {
    Kind.LONG_TEXT: "textarea", Kind.NUMBER: "number", Kind.INTEGER: "integer", Kind.MONEY: "money", Kind.DATE: "date",
    Kind.DATETIME: "datetime", Kind.BOOLEAN: "boolean", Kind.CHOICE: "choice", Kind.MULTI_CHOICE: "choices", Kind.URL: "url",
    Kind.EMAIL: "email", Kind.PHONE: "tel", Kind.USER: "record", Kind.LINK: "record", Kind.ADDRESS: "address",
    Kind.TAGS: "tags", Kind.CURRENCY: "currency",
}
