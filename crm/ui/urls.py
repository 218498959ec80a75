"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path

from crm.ui.views import badges, guide, marks

urlpatterns: list[URLPattern | URLResolver] = [
    path("badges", badges.badges, name="badges"),
    path("favicon.ico", marks.favicon, name="favicon"),
    path("robots.txt", marks.robots, name="robots"),
    path("styleguide", guide.style_guide, name="styleguide"),
]
