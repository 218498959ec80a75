from django.apps import AppConfig

from crm.operations.drills import faults


class DrillsConfig(AppConfig):
    """Installed with RAPPORT_ENV=drill only."""

    name = "crm.operations.drills"
    label = "drills"

    def ready(self) -> None:
        faults.arm()
