from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class AccountsConfig(AppConfig):
    name = "crm.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from allauth.mfa.totp.internal.auth import TOTP

        from crm.accounts import second_factor, sign_in

        def begin(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
            """Begin the session (Django announces every sign-in, whichever door it came by)."""
            sign_in.begin_session(request.session, user)
            request.signed_in_as = user

        user_logged_in.connect(begin, weak=False, dispatch_uid="rapport.accounts.session")
        TOTP._mark_code_used = second_factor.use_code
