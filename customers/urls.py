"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path

from customers.views import contacts

urlpatterns: list[URLPattern | URLResolver] = [
    *(
        path(f"customers/<uuid:pk>/{kind}/{end}", view, {"kind": kind}, name=f"customer_{kind}_{name}")
        for kind in contacts.PARTS
        for end, view, name in (
            ("new", contacts.part, "new"),
            ("<uuid:part_id>", contacts.part, "edit"),
            ("<uuid:part_id>/remove", contacts.part_remove, "remove"),
        )
    ),
    *(
        path(f"{side}/<uuid:pk>/relationships/new", contacts.relation, {"side": side}, name=f"{side}_relation_new")
        for side in ("customers", "companies")
    ),
    path("relationships/<uuid:pk>/remove", contacts.relation_remove, name="relation_remove"),
]
