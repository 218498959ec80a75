"""Entities: the declarations, their registry, and the hooks a domain fills in."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.utils.functional import cached_property

from crm.access.policy import field_rights
from crm.activity.triggers import log_as
from crm.records.customfields import custom_fields
from crm.records.fields import Field, Kind

_ENTITIES: dict[str, "Entity"] = {}
_LENT: dict[str, dict[str, Field]] = {}
# Filled by crm.records.services: makes a record from public field names.
_create: list[Callable[[Any, dict[str, Any], Any], Any]] = []


def creates_records(function: Callable[[Any, dict[str, Any], Any], Any]) -> None:
    """Register the service that ``Entity.make`` uses."""
    _create[:] = [function]


def create(of: "Entity", data: dict[str, Any], actor: Any) -> Any:
    """Make a record through the registered service."""
    return _create[0](of, data, actor)


_BY_MODEL: dict[type[models.Model], "Entity"] = {}


@dataclass(frozen=True)
class Saving:
    """What a hook may know of the write that it takes part in."""

    before: dict[str, Any] = field(default_factory=dict)
    """The stored attributes of a changed record, as they were (empty for a new one)."""
    doing: str = ""
    """The domain's verb around the write, where there is one (``reopen``)."""
    quiet: bool = False
    """History: facts are written, and nothing reacts to them."""


def saving(obj: Any) -> Saving:
    """Return the write that a record is going through (for the hooks of its entity)."""
    found: Saving = getattr(obj, "_saving", None) or Saving()
    return found


REFERENCE = frozenset({"api", "reference"})
"""The abilities of reference data (stages, reasons, tags): an API and settings pages, no record pages."""


class Entity:
    """One business noun. Subclass in ``<app>/entities.py`` and ``register`` an instance.

    The hooks are called by ``crm.records.services`` inside the verb's transaction.
    """

    name: str
    """Singular key: stored in the log, in topics, in saved views. Never changes."""
    plural: str
    """Its path segment: ``/customers``, ``/api/v1/customers``."""
    model: Any
    label: Any
    label_plural: Any
    icon: str = "circle"
    hue: str = "teal"
    description: Any = ""
    fields: tuple[Field, ...] = ()
    title: tuple[str, ...] = ("name",)
    """The text fields that make the title: searched first, asked for first."""
    sort: tuple[str, ...] = ("-created_at",)
    """Default order, as public field names with an optional minus; ``id`` is always added last."""
    owner: str | None = "assigned_user"
    """The field that names the person responsible."""
    columns: tuple[str, ...] = ()
    """The columns of its list, in their order, and after them the custom fields with ``in_list``; without any, all with ``in_list``."""
    layouts: tuple[tuple[str, Any], ...] = ()
    """Other ways than the table that its list can be shown (key and words); a saved view remembers one."""
    subtitle: str = ""
    abilities: frozenset[str] = frozenset(
        {"tags", "notes", "documents", "comments", "custom", "import", "export", "bulk", "archive", "pages", "api"}
    )
    """What is switched on; ``pages`` gives list and record pages, ``api`` the REST routes."""

    constraint_messages: dict[str, Any] = {}
    """What to say when a database constraint is broken, by its name."""

    # -- fields -----------------------------------------------------------------------------------

    @cached_property
    def own_fields(self) -> dict[str, Field]:
        """Return the declared fields by name."""
        return {f.name: f for f in self.fields}

    @property
    def lent_fields(self) -> dict[str, Field]:
        """Return the measures that other apps lend, by name."""
        return _LENT.get(self.name, {})

    def all_fields(self) -> dict[str, Field]:
        """Return every field by public key: its own, what other apps lend, custom fields last (as ``custom.key``)."""
        found = {**self.own_fields, **self.lent_fields}
        if "custom" in self.abilities:
            found.update({f.key: f for f in custom_fields(self.name)})
        return found

    def field(self, key: str) -> Field | None:
        """Return a field by its public key."""
        found = self.own_fields.get(key) or self.lent_fields.get(key)
        if found is None and key.startswith("custom.") and "custom" in self.abilities:
            found = next((f for f in custom_fields(self.name) if f.key == key), None)
        return found

    def fields_for(self, user: Any) -> dict[str, Field]:
        """Return the fields that ``user`` may read, by public key."""
        rights = field_rights(user, self.model)
        return {k: f for k, f in self.all_fields().items() if rights.can_read(k) and (f.offered is None or f.offered(user))}

    def writable_fields(self, user: Any) -> dict[str, Field]:
        """Return the fields that ``user`` may write, by public key."""
        rights = field_rights(user, self.model)
        return {
            k: f
            for k, f in self.all_fields().items()
            if f.writable and not f.computed and rights.can_write(k)
        }

    # -- pages ------------------------------------------------------------------------------------

    def url(self, obj: Any) -> str:
        """Return the address of a record's page."""
        return f"/{self.plural}/{obj if isinstance(obj, uuid.UUID | str) else obj.pk}"

    def list_related(self) -> tuple[str, ...]:
        """Return the relations a list or API row shows, for ``select_related``."""
        return tuple(
            f.source for f in self.fields if f.kind in (Kind.LINK, Kind.USER) and not f.computed
        )

    # -- titles -----------------------------------------------------------------------------------

    def find(self, queryset: Any, title: str) -> Any:
        """Return the oldest row of ``queryset`` with this title, whatever its case; None for none."""
        return queryset.filter(**{f"{self.title[0]}__iexact": title}).order_by("created_at", "pk").first()

    def make(self, title: str, actor: Any) -> Any:
        """Make a record of which only the title is known (a link written by name)."""
        return create(self, {self.title[0]: title}, actor)

    # -- hooks ------------------------------------------------------------------------------------

    def defaults(self, actor: Any) -> dict[str, Any]:
        """Return the values of a new record before the input is applied."""
        if self.owner and getattr(actor, "pk", None):
            return {self.owner: actor}
        return {}

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, Any]]:
        """Yield ``(field, message)`` for each business rule that the draft breaks. Writes nothing."""
        return ()

    def before_save(self, obj: Any, changed: set[str], actor: Any) -> None:
        """Derive what follows from the change (the attributes set here are saved too)."""

    def after_save(self, obj: Any, changed: set[str], created: bool, actor: Any) -> None:
        """Carry the consequences that belong to the same transaction, and publish the domain's facts."""

    def before_delete(self, obj: Any, actor: Any) -> None:
        """Refuse a deletion that must not happen (raise a Refusal)."""

    def to_hand_over(self, rows: Any) -> Any:
        """Return those of a leaving person's rows that a successor goes on with (all, unless said otherwise)."""
        return rows

    def after_merge(self, obj: Any, merged: list[Any], actor: Any) -> None:
        """Keep of merged records what the survivor has no field for."""

    def timeline_subjects(self, obj: Any) -> list[uuid.UUID | None]:
        """Return the ids of the records whose timelines show what happens to this one."""
        return []

    def __str__(self) -> str:
        return str(self.label)


def register(entity: Entity) -> Entity:
    """Add an entity to the registry."""
    if entity.name in _ENTITIES:
        raise ValueError(f"The entity {entity.name} is declared twice.")
    _ENTITIES[entity.name] = entity
    _BY_MODEL[entity.model] = entity
    log_as(entity.model, entity.name)
    return entity


def lend(on: str, measure: Field) -> None:
    """Lend an entity a field that another app works out."""
    _LENT.setdefault(on, {})[measure.name] = measure


def entity(name: str) -> Entity:
    """Return an entity by its name; an unknown one is a LookupError."""
    try:
        return _ENTITIES[name]
    except KeyError:
        raise LookupError(f"There is no entity called {name}.") from None


def entity_by_plural(plural: str) -> Entity | None:
    """Return an entity by its path segment."""
    return next((e for e in _ENTITIES.values() if e.plural == plural), None)


def entity_of(obj: models.Model | type[models.Model]) -> Entity:
    """Return the entity of a record or model."""
    return _BY_MODEL[obj if isinstance(obj, type) else obj._meta.model]  # a lazy object has its model here


def has_entity(obj: models.Model | type[models.Model]) -> bool:
    """Tell whether a model is declared as an entity."""
    return (obj if isinstance(obj, type) else obj._meta.model) in _BY_MODEL


def all_entities() -> dict[str, Entity]:
    """Return every entity by name."""
    return dict(_ENTITIES)


def able(ability: str) -> list[str]:
    """Return the names of the entities that have an ability."""
    return sorted(name for name, of in _ENTITIES.items() if ability in of.abilities)
