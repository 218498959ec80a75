from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class RecordsConfig(AppConfig):
    name = "crm.records"
    label = "records"
    verbose_name = "Records"

    def ready(self) -> None:
        autodiscover_modules("entities", "reference", "criteria", "search", "panels", "handlers", "automation", "transfer", "merging")
