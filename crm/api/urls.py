"""The addresses of the REST API: what the entities have, and what the apps declare in ``api/urls.py``."""

from django.urls import URLPattern, URLResolver, re_path
from django.utils.module_loading import autodiscover_modules

from crm.api.attachments import declare_attachments
from crm.api.documents import pages, register_documents
from crm.api.files import declare_documents
from crm.api.routes import all_routes, entity_views, is_declared, route
from crm.api.schema.entities import archives
from crm.api.views import UnknownView
from crm.api.viewsets import viewset_for
from crm.lib.routing import ByFirstSegment
from crm.records.entity import all_entities
from crm.records.models import Record

COLLECTION = {"get": "list", "post": "create"}
ITEM = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}


def _declare() -> None:
    autodiscover_modules("api.urls")
    own = entity_views()
    for declared in all_entities().values():
        if "api" not in declared.abilities or is_declared(declared.plural):
            continue
        view = own.get(declared.name) or viewset_for(declared)
        collection = {m: a for m, a in COLLECTION.items() if hasattr(view, a)}
        item = {m: a for m, a in ITEM.items() if hasattr(view, a)}
        route(declared.plural, view, actions=collection)
        route(f"{declared.plural}/{{id}}", view, actions=item)
        if hasattr(view, "bulk") and not is_declared(f"{declared.plural}/bulk"):
            route(f"{declared.plural}/bulk", view, actions={"post": "bulk"})
        if hasattr(view, "restore") and issubclass(declared.model, Record):
            route(f"{declared.plural}/{{id}}/restore", view, actions={"post": "restore"})
            route(f"{declared.plural}/trash", view, actions={"get": "trash"})
        if hasattr(view, "archive") and archives(declared):
            route(f"{declared.plural}/{{id}}/archive", view, actions={"post": "archive"})
            route(f"{declared.plural}/{{id}}/unarchive", view, actions={"post": "unarchive"})
        declare_attachments(declared)
        declare_documents(declared)
    register_documents()


_declare()

urlpatterns: list[URLPattern | URLResolver] = [
    ByFirstSegment([*(r.pattern() for r in all_routes()), *pages]),
    re_path(r"^(?P<path>.*)\Z", UnknownView.as_view(), name="api-unknown"),
]
