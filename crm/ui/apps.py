from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig
from django.utils.module_loading import autodiscover_modules


class StaticConfig(StaticFilesConfig):
    """The static files of installed packages that no page of ours shows are not collected."""

    default = False
    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "rest_framework", "django_htmx", "guardian"]


class UiConfig(AppConfig):
    default = True
    name = "crm.ui"
    label = "ui"

    def ready(self) -> None:
        autodiscover_modules("nav")
