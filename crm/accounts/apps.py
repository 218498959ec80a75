from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class AccountsConfig(AppConfig):
    name = "crm.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        user_logged_in.connect(_remember_epoch, dispatch_uid="rapport.accounts.epoch")


def _remember_epoch(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    """Bind the new session to the user's epoch (Django announces every sign-in, whichever door it came by)."""
    request.session["auth_epoch"] = user.auth_epoch
    request.signed_in_as = user
