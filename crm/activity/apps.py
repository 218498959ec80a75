from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ActivityConfig(AppConfig):
    name = "crm.activity"
    label = "activity"
    verbose_name = "Activity"

    def ready(self) -> None:
        import_module("crm.activity.wiring")
        autodiscover_modules("undoing", "timeline")
