from django.apps import AppConfig

from crm.jobs.registry import discover
from crm.lib.times import read_times_quickly
from crm.operations.migrating import watch_migrations


class OperationsConfig(AppConfig):
    name = "crm.operations"
    label = "operations"

    def ready(self) -> None:
        # Here, where every app is loaded: a job is known from the start, wherever it is asked for.
        discover()
        read_times_quickly()
        watch_migrations()
