"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path

from crm.demo import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("welcome", views.welcome, name="welcome"),
    path("settings/demo", views.demo, name="settings-demo"),
]
