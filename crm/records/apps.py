from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class RecordsConfig(AppConfig):
    name = "crm.records"
    label = "records"
    verbose_name = "Records"

    def ready(self) -> None:
        # Every noun is declared before anything else of an app looks at the nouns.
        autodiscover_modules("entities")
        autodiscover_modules("reference", "criteria", "search", "panels", "handlers", "automation", "transfer", "merging", "duplicates", "measures")
