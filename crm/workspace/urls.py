"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path

from crm.workspace.views import search

urlpatterns: list[URLPattern | URLResolver] = [
    path("search", search.search_page, name="search"),
    path("palette", search.palette, name="palette"),
]
