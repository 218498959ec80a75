from importlib import import_module

from django.apps import AppConfig


class DrillsConfig(AppConfig):
    """Installed with RAPPORT_ENV=drill only."""

    name = "crm.operations.drills"
    label = "drills"

    def ready(self) -> None:
        # It reaches into models and views, which are there only now.
        import_module("crm.operations.drills.faults").arm()
