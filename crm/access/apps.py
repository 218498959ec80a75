from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AccessConfig(AppConfig):
    name = "crm.access"
    label = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        autodiscover_modules("policies")
