"""The addresses of signing in. allauth's views under our own paths, and only those that are used."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from crm.accounts.views import entrance

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/sign-in", entrance.SignInView.as_view(), name="account_login"),
    path("account/here", entrance.here, name="account_here"),
    path("account/language", set_language, name="set_language"),
    path("account/sign-out", account.logout, name="account_logout"),
    path("account/inactive", account.account_inactive, name="account_inactive"),
    path("account/confirm", account.reauthenticate, name="account_reauthenticate"),
    path("account/password", account.password_change, name="account_change_password"),
    path("account/password/set", account.password_set, name="account_set_password"),
    path("account/password/reset", account.password_reset, name="account_reset_password"),
    path("account/password/reset/sent", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^account/password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "account/password/reset/done", account.password_reset_from_key_done, name="account_reset_password_from_key_done"
    ),
    path("account/invitation/<str:token>", entrance.invitation, name="account_invitation"),
    path("account/link/<str:token>", entrance.sign_in_link, name="account_sign_in_link"),
    path("account/address/<str:token>", entrance.confirm_address, name="account_confirm_address"),
    path("account/second-factor", mfa.index, name="mfa_index"),
    path("account/second-factor/check", entrance.SecondFactorView.as_view(), name="mfa_authenticate"),
    path("account/second-factor/confirm", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("account/second-factor/app", totp.activate_totp, name="mfa_activate_totp"),
    path("account/second-factor/app/remove", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/second-factor/codes", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/second-factor/codes/new", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/second-factor/codes/download", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("account/passkeys", webauthn.list_webauthn, name="mfa_list_webauthn"),
    path("account/passkeys/add", webauthn.add_webauthn, name="mfa_add_webauthn"),
    path("account/passkeys/confirm", webauthn.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("account/passkeys/sign-in", webauthn.login_webauthn, name="mfa_login_webauthn"),
    path("account/passkeys/<int:pk>/remove", webauthn.remove_webauthn, name="mfa_remove_webauthn"),
    path("account/passkeys/<int:pk>/edit", webauthn.edit_webauthn, name="mfa_edit_webauthn"),
    path("account/sessions", RedirectView.as_view(url="/settings/security"), name="usersessions_list"),
]
