"""What the admin shows of a model of which nobody says anything else."""

from typing import Any

from django.contrib.admin.options import ModelAdmin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

SHOWN = 7
COUNTED = 5_000
NAMED = 200
BOOKKEEPING = frozenset({"version", "created_by", "deleted_at", "archived_at", "created_at", "updated_at", "sort_key", "search_text"})
"""Columns that say nothing of what a row is."""
LOGS = frozenset({
    "activity.changeset", "activity.delivery", "activity.logline", "accounts.refreshtoken", "accounts.signinlink", "accounts.loginfailure",
    "accounts.invitation", "access.stamp", "api.idempotencykey", "jobs.pulse", "jobs.checkpoint", "sales.dealtotal", "sales.stagechange",
    "notifications.unreadcount", "usersessions.usersession", "search.recentsearch", "search.recentvisit",
})
"""Tables that the application writes and people only read."""
SECRET = ("token_hash", "password", "secret", "fingerprint", "body", "headers", "session_key", "data")


class OurAdmin(ModelAdmin):  # type: ignore[type-arg]
    """Links as ids to look up, never as selects with every row; what is derived cannot be written."""

    list_per_page = 50
    show_full_result_count = False
    save_on_top = False
    actions_on_bottom = False

    def get_list_select_related(self, request: HttpRequest) -> Any:
        """Load the links that the list shows."""
        names = {f.name for f in self.model._meta.fields if f.many_to_one or f.one_to_one}
        return [n for n in self.get_list_display(request) if n in names] or False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what a row is before what the application keeps about it."""
        names = list(super().get_fields(request, obj))
        return [*(n for n in names if n not in BOOKKEEPING and n != "custom"), *(n for n in names if n in BOOKKEEPING or n == "custom")]

    def get_paginator(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Count no further than people turn pages."""
        return FirstPages(*args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Raise the version, so that a page that was open before notices."""
        if change and hasattr(obj, "version"):
            obj.version += 1
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Move a record to the trash; remove only what has none."""
        if hasattr(obj, "deleted_at"):
            from_trash(type(obj).objects.filter(pk=obj.pk))
        else:
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Move records to the trash; remove only what has none."""
        if hasattr(self.model, "deleted_at"):
            from_trash(queryset)
        else:
            super().delete_queryset(request, queryset)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A record in the trash takes nothing with it; of what hangs on the others the first are named."""
        if hasattr(self.model, "deleted_at"):
            return [str(o) for o in objs[:NAMED]], {self.opts.verbose_name_plural: len(objs)}, set(), []
        if (many := _rows_on(objs)) > NAMED:
            return [str(o) for o in objs[:NAMED]], {_("rows that hang on them"): many}, set(), []
        return super().get_deleted_objects(objs, request)


def _rows_on(objs: Any) -> int:
    """Return how many rows point to these, as far as anybody wants to know."""
    found = 0
    for relation in objs.model._meta.related_objects if hasattr(objs, "model") else ():
        found += len(relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": objs}).values_list("pk")[: NAMED + 1])
    return found


class FirstPages(Paginator):
    """Counts no further than people turn pages: a table has millions of rows."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, or the limit where there are more."""
        rows: Any = self.object_list
        return len(rows.values_list("pk")[:COUNTED])


class LogAdmin(OurAdmin):
    """Read only."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False


def from_trash(rows: Any) -> None:
    """Mark rows as deleted now."""
    rows.update(deleted_at=models.functions.Now(), version=models.F("version") + 1)


def admin_class(model: type[models.Model]) -> type[OurAdmin]:
    """Return an admin for a model, read from its fields."""
    fields = [f for f in model._meta.fields if not getattr(f, "generated", False)]
    plain = [f for f in fields if f.name not in ("id", *SECRET) and not isinstance(f, models.JSONField | models.TextField)]
    texts = [f.name for f in fields if isinstance(f, models.CharField) and f.name not in SECRET and not f.choices]
    links = [f.name for f in fields if isinstance(f, models.ForeignKey)] + [f.name for f in model._meta.many_to_many]
    few = [f.name for f in plain if f.choices or isinstance(f, models.BooleanField)]
    names = {f.name for f in plain}
    options: dict[str, Any] = {
        "list_display": ("__str__", *[f.name for f in plain if f.name not in BOOKKEEPING][: SHOWN - 2],
                         *(["created_at"] if "created_at" in names else [])),
        "search_fields": [] if model._meta.label_lower == "activity.logline" else texts[:4],
        "list_filter": few[:5],
        "raw_id_fields": links,
        "readonly_fields": [f.name for f in model._meta.fields if not f.editable and f.name not in ("id", *SECRET)],
        "exclude": [n for n in SECRET if n in {f.name for f in fields}] or None,
        "date_hierarchy": None,
        "ordering": model._meta.ordering or ["-pk"],
    }
    base = LogAdmin if model._meta.label_lower in LOGS else OurAdmin
    return type(f"{model.__name__}Admin", (base,), options)
