"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _

from crm.lists.views.parts import part_pages
from customers.services import contacts
from customers.views import relationships

urlpatterns: list[URLPattern | URLResolver] = [
    *part_pages("contacts", contacts.METHODS, _("Contact method"), add=contacts.add_contact_method,
                change=contacts.change_contact_method, remove=contacts.remove_contact, argument="method"),
    *part_pages("addresses", contacts.ADDRESSES, _("Address"), add=contacts.add_address,
                change=contacts.change_address, remove=contacts.remove_contact, argument="address"),
    *(
        path(f"{side}/<uuid:pk>/relationships/new", relationships.relation, {"side": side}, name=f"{side}_relation_new")
        for side in ("customers", "companies")
    ),
    path("relationships/<uuid:pk>/remove", relationships.relation_remove, name="relation_remove"),
]
