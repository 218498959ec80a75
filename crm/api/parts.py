"""Parts of a record (contact methods, lines): lists and single parts below it, declared by fields like an entity.

    class ContactsView(PartsView):
        parts = CONTACTS

    CONTACTS = Parts(of="customer", model=CustomerContact, parent="customer", label=…, fields=(…))

A part is seen with its record and written by who may change the record.
"""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crm.access.policy import require, visible_to
from crm.activity.facts import publish
from crm.activity.intention import relabel
from crm.api.entity import IDEMPOTENCY_KEY, RecordView
from crm.api.schema import shapes
from crm.api.schema.entities import read_value, write_value
from crm.api.schema.operations import describe
from crm.api.views import answer, no_content
from crm.lib.errors import Conflict, Detail, Invalid, Missing
from crm.records.events import RecordChanged
from crm.records.fields import LINKS, Field
from crm.records.representation import target_of, title_expression, title_readable
from crm.records.services.values import Bad, to_python

MAX_PARTS = 500


@dataclass(frozen=True)
class Parts:
    """What a record consists of besides its fields."""

    of: str
    """The entity of the record."""
    model: Any
    parent: str
    """The foreign key to the record."""
    name: str
    """What the record's history calls them: ``contacts``."""
    fields: tuple[Field, ...]
    order: tuple[str, ...] = ("created_at",)


class _OfParts(RecordView):
    parts: Parts

    @property
    def entity_name(self) -> str:  # type: ignore[override]
        """Return the entity of the record."""
        return self.parts.of

    def rows(self, id: Any) -> Any:
        """Return the parts of a record that the caller sees."""
        parent = self.get_object(id)
        visible = visible_to(self.request.user, self.parts.model)
        return visible.filter(**{self.parts.parent: parent}).order_by(*self.parts.order, "id")

    def part_schema(self) -> shapes.Schema:
        """Return how a part is read."""
        properties = {"id": shapes.uuid(), **{f.name: read_value(f) for f in self.parts.fields}}
        return shapes.shape_of({**properties, "created_at": shapes.moment(), "updated_at": shapes.moment()})

    def write_schema(self, *, creating: bool) -> shapes.Schema:
        """Return how a part is written."""
        properties = {}
        for f in self.parts.fields:
            if f.writable:
                needed = creating and f.required and f.default is None
                properties[f.name] = write_value(f) if needed else shapes.optional(write_value(f))
        return shapes.shape_of(properties)

    def show(self, part: Any) -> dict[str, Any]:
        """Return a part as it is read."""
        made: dict[str, Any] = {"id": part.pk}
        for f in self.parts.fields:
            made[f.name] = self._named(f, part) if f.kind in LINKS else getattr(part, f.source)
        return {**made, "created_at": part.created_at, "updated_at": part.updated_at}

    def stored(self, part: Any) -> dict[str, Any]:
        """Return a part that was just written, as the database keeps it."""
        part.refresh_from_db()
        return self.show(part)

    def _named(self, f: Field, part: Any) -> Any:
        pk = getattr(part, f"{f.source}_id")
        if pk is None:
            return None
        target = target_of(f)
        name = None
        if title_readable(self.request.user, target):
            seen = visible_to(self.request.user, target.model).filter(pk=pk)
            name = seen.annotate(_title=title_expression(target)).values_list("_title", flat=True).first()
        return {"id": pk, "name": name}

    def apply(self, part: Any, body: dict[str, Any]) -> None:
        """Convert and set the given values."""
        problems: list[Detail] = []
        for f in self.parts.fields:
            if f.name not in body:
                continue
            try:
                value = to_python(f, body[f.name])
                if f.kind in LINKS and value is not None:
                    target = target_of(f)
                    value = visible_to(self.request.user, target.model).filter(pk=value).first()
                    if value is None:
                        raise Bad(_("There is no such %(what)s.") % {"what": target.label})
                setattr(part, f.source, value)
            except Bad as bad:
                problems.extend(Detail(f.name, m) for m in bad.messages)
        if problems:
            raise Invalid(details=problems)

    def save(self, parent: Any, part: Any) -> None:
        """Write a part, and note it in the record's history."""
        try:
            with transaction.atomic():
                part.save()
        except IntegrityError as error:
            raise self._explained(error) from None
        self.note(parent)

    def _explained(self, error: IntegrityError) -> Exception:
        if getattr(error.__cause__, "sqlstate", "") == "23505":
            return Conflict(_("There is one like this already."))
        return Invalid(_("The values do not fit together."))

    def note(self, parent: Any) -> None:
        """Say in the record's history that its parts changed."""
        relabel(_("Change %(what)s") % {"what": self.entity.label})
        publish(
            RecordChanged(entity=self.entity.name, record_id=parent.pk, fields=[self.parts.name]),
            about=parent, entity=self.entity.name, subjects=self.entity.timeline_subjects(parent),
        )


class PartsView(_OfParts):
    """All parts of a record: ``/customers/{id}/contacts``."""

    @describe("List the parts of a record", answer=lambda v: v.part_schema(), many=True, whole=True, errors=(404,))
    def get(self, request: Any, id: Any) -> Any:
        """Return the parts (a record has few)."""
        links = [f.source for f in self.parts.fields if f.kind in LINKS]
        rows = self.rows(id).select_related(*links)[:MAX_PARTS] if links else self.rows(id)[:MAX_PARTS]
        return answer([self.show(part) for part in rows])

    @describe(
        "Add a part to a record", body=lambda v: v.write_schema(creating=True), answer=lambda v: v.part_schema(), status=201,
        parameters=(IDEMPOTENCY_KEY,), errors=(400, 403, 404, 409),
    )
    def post(self, request: Any, id: Any) -> Any:
        """Add a part."""
        part = self.add(self.get_object(id), self.body())
        return answer(self.stored(part), status=201, headers={"Location": f"{request.path.rstrip('/')}/{part.pk}"})

    def add(self, parent: Any, body: dict[str, Any]) -> Any:
        """Make a part; a domain with a verb of its own calls it here."""
        require(self.request.user, "change", parent)
        part = self.parts.model(**{self.parts.parent: parent})
        self.apply(part, body)
        self.save(parent, part)
        return part


class PartView(_OfParts):
    """One part of a record: ``/customers/{id}/contacts/{part_id}``."""

    def find(self, id: Any, part_id: Any) -> Any:
        """Return the part, or refuse as missing."""
        part = self.rows(id).filter(pk=part_id).first()
        if part is None:
            raise Missing
        return part

    @describe("Get a part of a record", answer=lambda v: v.part_schema(), errors=(404,))
    def get(self, request: Any, id: Any, part_id: Any) -> Any:
        """Return a part."""
        return answer(self.show(self.find(id, part_id)))

    @describe(
        "Change a part of a record", body=lambda v: v.write_schema(creating=False), answer=lambda v: v.part_schema(),
        errors=(400, 403, 404, 409),
    )
    def patch(self, request: Any, id: Any, part_id: Any) -> Any:
        """Change the given values."""
        return answer(self.stored(self.alter(self.find(id, part_id), self.body())))

    @describe("Remove a part of a record", status=204, errors=(403, 404, 409))
    def delete(self, request: Any, id: Any, part_id: Any) -> Any:
        """Remove a part."""
        self.remove(self.find(id, part_id))
        return no_content()

    def alter(self, part: Any, body: dict[str, Any]) -> Any:
        """Change a part."""
        parent = getattr(part, self.parts.parent)
        require(self.request.user, "change", parent)
        self.apply(part, body)
        self.save(parent, part)
        return part

    def remove(self, part: Any) -> None:
        """Remove a part."""
        parent = getattr(part, self.parts.parent)
        require(self.request.user, "change", parent)
        part.delete()
        self.note(parent)
