"""What the workspace does when something has happened elsewhere."""

from django.apps import apps
from django.db.models.signals import post_migrate

from crm.workspace.services.setup import after_migrate

post_migrate.connect(
    after_migrate, sender=[a for a in apps.get_app_configs() if a.models_module is not None][-1], dispatch_uid="rapport.workspace.reference"
)
