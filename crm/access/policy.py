"""Policies: which rows, which actions, which fields. Silence means no.

    class DealPolicy(Policy, model=Deal): ...

Nothing reaches a record in another way than ``visible_to``. Unseen is 404; seen but not allowed is 403.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast, overload

from django.contrib.auth.models import Permission
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from crm.access.rights import Rights, looks_for_shares, rights_of
from crm.lib.errors import Denied, Missing
from crm.lib.prepared import PreparedTuples, Shelf

M = TypeVar("M", bound=models.Model)

# Whether a row may be acted on, by rights, model and act: asked by every verb.
_asked: Shelf[PreparedTuples] = Shelf(400)

_POLICIES: dict[type[models.Model], "Policy"] = {}

NOTHING = Q(pk__in=[])
EVERYTHING = Q()


@dataclass(frozen=True)
class FieldRights:
    """What of a record's fields a user may not see, and what besides he may not write."""

    hidden: frozenset[str] = field(default_factory=frozenset)
    read_only: frozenset[str] = field(default_factory=frozenset)

    def can_read(self, name: str) -> bool:
        """Tell whether the field may be seen, filtered, sorted and exported."""
        return name not in self.hidden

    def can_write(self, name: str) -> bool:
        """Tell whether the field may be written."""
        return name not in self.hidden and name not in self.read_only


# Filled by crm.criteria: compiles a permission's condition to a Q (A15).
_compile_condition: list[Callable[[type[models.Model], dict[str, Any], Any], Q]] = []


def compiles_conditions(function: Callable[[type[models.Model], dict[str, Any], Any], Q]) -> None:
    """Register the compiler of permission conditions."""
    _compile_condition[:] = [function]


class Policy:
    """The rules of one model: row scopes from the matrix, shares, and whatever a subclass adds."""

    model: type[models.Model]
    entity: str = ""
    """The name of the matrix row; by default the model's name."""
    owner: str | None = "assigned_user"
    """The path to the user whose record it is; None where rows have no owner (then own means none)."""
    user_share: type[models.Model] | None = None
    group_share: type[models.Model] | None = None
    """guardian's direct foreign-key permission models, where single records can be shared."""

    def __init_subclass__(cls, *, model: type[models.Model] | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if model is None:
            return
        cls.model = model
        if not cls.__dict__.get("entity"):
            cls.entity = str(model._meta.model_name)
        if cls.user_share is not None and cls.group_share is not None:
            looks_for_shares(cls.user_share._meta.db_table, by="user_id")
            looks_for_shares(cls.group_share._meta.db_table, by="group_id")
        _POLICIES[model] = cls()

    # -- rows -------------------------------------------------------------------------------------

    def visible(self, queryset: QuerySet[M], user: Any, action: str = "view") -> QuerySet[M]:
        """Narrow ``queryset`` to the rows that ``user`` may view, and may do ``action`` to."""
        rights = rights_of(user)
        if not rights.is_active:
            return queryset.none()
        rows = self.rows(rights, user, "view")
        if action != "view" and (more := self.rows(rights, user, action)) != rows:
            rows &= more
        return queryset if rows == EVERYTHING else queryset.filter(rows)

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return the ``WHERE`` clause of one action: scope and condition, or a share, or ``also``."""
        own = self.scoped(rights, user, action)
        if own == EVERYTHING:
            return own
        for more in (*self.shares(rights, action), self.also(rights, user, action)):
            if more is not None:
                own = more if own == NOTHING else own | more
        return own

    def scoped(self, rights: Rights, user: Any, action: str) -> Q:
        """Return the clause of the matrix alone: the scope of the cell, and its condition (A15)."""
        cell = rights.cell(self.entity, action)
        if cell.scope == "none":
            return NOTHING
        own = EVERYTHING if cell.scope == "all" else self.owned_by(rights.owners(cell.scope))
        return own if own == NOTHING else own & self.fulfilling(rights, user, action)

    def fulfilling(self, rights: Rights, user: Any, action: str) -> Q:
        """Return the clause of a cell's condition (A15); everything where it has none."""
        condition = rights.cell(self.entity, action).condition
        return _compile_condition[0](self.model, condition, user) if condition else EVERYTHING

    def owned_by(self, owners: list[Any]) -> Q:
        """Return the clause for rows that belong to one of ``owners``."""
        if self.owner is None:
            return NOTHING
        if len(owners) == 1:
            return Q(**{self.owner: owners[0]})
        return Q(**{f"{self.owner}__in": owners})

    def shares(self, rights: Rights, action: str) -> list[Q]:
        """Return the clauses for single records shared with the user or one of the user's teams."""
        if self.user_share is None or self.group_share is None or action not in ("view", "change"):
            return []
        found: list[Q] = []
        by_user_table = self.user_share._meta.db_table in rights.shared
        by_group_table = bool(rights.group_ids) and self.group_share._meta.db_table in rights.shared
        if not by_user_table and not by_group_table:
            return found
        permission = Permission.objects.filter(
            codename=f"{action}_{self.model._meta.model_name}",
            content_type__app_label=self.model._meta.app_label,
        ).values("pk")[:1]
        by_user = self.user_share._default_manager.filter(user_id=rights.user_id, permission_id__in=permission)
        if by_user_table:
            found.append(Q(Exists(by_user.filter(content_object_id=OuterRef("pk")))))
        if by_group_table:
            by_group = self.group_share._default_manager.filter(
                group_id__in=rights.group_ids, permission_id__in=permission
            )
            found.append(Q(Exists(by_group.filter(content_object_id=OuterRef("pk")))))
        return found

    def also(self, rights: Rights, user: Any, action: str) -> Q | None:
        """Return a clause for rows that are reached in another way than by the matrix; None for none."""
        return None

    # -- actions ----------------------------------------------------------------------------------

    def allows(self, user: Any, action: str, obj: models.Model | None = None) -> bool:
        """Tell whether ``user`` may do ``action``, to ``obj`` or (without one) to anything at all."""
        if obj is None or action == "create":
            return rights_of(user).may(action, self.entity)
        if obj._state.adding:
            return False
        rights = rights_of(user)
        if rights.is_active and self.rows(rights, user, "view") == EVERYTHING == self.rows(rights, user, action):
            # Every row is open: it must only be none of the trash.
            return getattr(obj, "deleted_at", None) is None
        query = _asked.get((rights.fingerprint, self.model, action) if rights.fingerprint else None, lambda: PreparedTuples(
            lambda pk: self.visible(self.model._default_manager.filter(pk=pk), user, action).order_by().values_list("pk")[:1],
            (uuid.UUID(int=1),),
        ))
        return bool(query.ask((obj.pk,)))

    def unfit(self, user: Any, pks: Iterable[Any]) -> set[Any]:
        """Return which of the rows that ``user`` has just made the condition of making them leaves out."""
        if user is SYSTEM or not (rights := rights_of(user)).cell(self.entity, "create").condition:
            return set()
        made = set(pks)
        fit = self.model._base_manager.filter(self.fulfilling(rights, user, "create"), pk__in=made)
        return made - set(fit.values_list("pk", flat=True))

    # -- fields -----------------------------------------------------------------------------------

    def fields(self, user: Any) -> FieldRights:
        """Return what of the fields is hidden from ``user`` or read-only."""
        rights = rights_of(user)
        if rights.is_admin:
            return FieldRights()
        levels = rights.fields.get(self.entity, {})
        return FieldRights(
            hidden=frozenset(n for n, level in levels.items() if level == "hidden"),
            read_only=frozenset(n for n, level in levels.items() if level == "read"),
        )


class PartPolicy(Policy):
    """The rules of a part of a record: seen with the record, changed by whoever may change the record."""

    of: str
    """The name of the foreign key to the record."""
    whole: type[models.Model]

    def __init_subclass__(cls, *, model: type[models.Model] | None = None, of: str, **kwargs: Any) -> None:
        cls.of = of
        if model is not None:
            cls.whole = cast(type[models.Model], model._meta.get_field(of).related_model)
            cls.entity = str(cls.whole._meta.model_name)
        super().__init_subclass__(model=model, **kwargs)

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return the parts of the records that the user may view or change."""
        seen = visible_to(user, self.whole, "view" if action == "view" else "change")
        return Q(Exists(seen.filter(pk=OuterRef(f"{self.of}_id"))))


def policy_of(model: type[models.Model] | models.Model) -> Policy:
    """Return the policy of a model; a model without one is a programming error."""
    cls = model if isinstance(model, type) else model._meta.model
    try:
        return _POLICIES[cls]
    except KeyError:
        raise LookupError(f"{cls.__name__} has no policy; nothing may reach it.") from None


def all_policies() -> dict[type[models.Model], Policy]:
    """Return every policy by model."""
    return dict(_POLICIES)


@overload
def visible_to(user: Any, source: type[M], action: str = "view") -> QuerySet[M]: ...
@overload
def visible_to(user: Any, source: QuerySet[M], action: str = "view") -> QuerySet[M]: ...
def visible_to(user: Any, source: Any, action: str = "view") -> Any:
    """Return the rows of a model or queryset that ``user`` may view (and may do ``action`` to)."""
    queryset = source if isinstance(source, QuerySet) else source._default_manager.all()
    return policy_of(queryset.model).visible(queryset, user, action)


def seen_through(user: Any, column: str, model: type[models.Model]) -> Q:
    """Return the clause for rows whose link ``column`` leads to a record that ``user`` sees.

    Whoever sees all of them is not asked row by row; nor is a row without a link.
    """
    policy, rights = policy_of(model), rights_of(user)
    linked = Q(**{f"{column}__isnull": False})
    if rights.is_active and policy.rows(rights, user, "view") == EVERYTHING:
        return linked
    return linked & Q(Exists(visible_to(user, model).filter(pk=OuterRef(f"{column}_id"))))


def allows(user: Any, action: str, obj: models.Model | type[models.Model]) -> bool:
    """Tell whether ``user`` may do ``action`` to a record, or to a model's records in general."""
    if isinstance(obj, type):
        return policy_of(obj).allows(user, action)
    return policy_of(obj).allows(user, action, obj)


def require(user: Any, action: str, obj: models.Model | type[models.Model]) -> None:
    """Refuse unless allowed: as missing what the user may not even see, as denied what he may not do.

    The system acts as ``crm.access.SYSTEM``, which is a name, not an absence.
    """
    if user is SYSTEM:
        return
    if isinstance(obj, type) or action == "create":
        if not allows(user, action, obj if isinstance(obj, type) else type(obj)):
            raise Denied
        return
    if not allows(user, action, obj):
        if allows(user, "view", obj):
            raise Denied
        raise Missing


def field_rights(user: Any, model: type[models.Model] | models.Model) -> FieldRights:
    """Return what of a model's fields is hidden from ``user`` or read-only."""
    if user is SYSTEM:
        return FieldRights()
    return policy_of(model).fields(user)


class _System:
    """The application itself as an actor: it has a name, no row, and every right."""

    pk = None
    is_active = True
    name = "Rapport"
    _rights = Rights(user_id=None, is_admin=True)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return self.name


SYSTEM = _System()
