"""The API routes of customers and companies."""

from crm.api.routes import route
from customers.api import views

route("customers/{id}/contacts", views.ContactsView)
route("customers/{id}/contacts/{part_id}", views.ContactView)
route("customers/{id}/addresses", views.AddressesView)
route("customers/{id}/addresses/{part_id}", views.AddressView)
route("customers/{id}/relationships", views.RelationshipsView)
route("customers/{id}/relationships/{part_id}", views.RelationshipView)
route("companies/{id}/relationships", views.CompanyRelationshipsView)
route("companies/{id}/relationships/{part_id}", views.CompanyRelationshipView)
