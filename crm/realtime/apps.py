from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class RealtimeConfig(AppConfig):
    name = "crm.realtime"
    label = "realtime"

    def ready(self) -> None:
        autodiscover_modules("topics")
