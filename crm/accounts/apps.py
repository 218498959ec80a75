from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "crm.accounts"
    label = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        from allauth.mfa.totp.internal.auth import TOTP

        from crm.accounts import noting, second_factor

        noting.listen()
        TOTP._mark_code_used = second_factor.use_code
