from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ActivityConfig(AppConfig):
    name = "crm.activity"
    label = "activity"
    verbose_name = "Activity"

    def ready(self) -> None:
        from crm.activity.triggers import install

        post_migrate.connect(install, dispatch_uid="activity_triggers")
