from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class ActivityConfig(AppConfig):
    name = "crm.activity"
    label = "activity"
    verbose_name = "Activity"

    def ready(self) -> None:
        from crm.activity.triggers import install

        post_migrate.connect(install, dispatch_uid="activity_triggers")
        autodiscover_modules("undoing")
