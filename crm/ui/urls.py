"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path

from crm.ui.views import badges, guide

urlpatterns: list[URLPattern | URLResolver] = [
    path("badges", badges.badges, name="badges"),
    path("styleguide", guide.style_guide, name="styleguide"),
]
