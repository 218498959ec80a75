"""allauth's forms, under our own counters."""

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.accounts import mails, throttle
from crm.lib.addresses import client_address, network_of


class SignInForm(account.LoginForm):  # type: ignore[misc]
    """The sign-in, in our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, login=_("E-mail address"), password=_("Password"), remember=_("Stay signed in"))


class ConfirmForm(account.ReauthenticateForm):  # type: ignore[misc]
    """Proof that it is still oneself, by password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, password=_("Password"))


class NewPasswordForm(account.SetPasswordForm):  # type: ignore[misc]
    """A first password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, password1=_("New password"), password2=_("New password again"))


class ResetPasswordKeyForm(account.ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password in place of a forgotten one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, password1=_("New password"), password2=_("New password again"))


def _say(form: Any, **labels: str) -> None:
    """Give fields of allauth our labels, and no placeholders that say the same again."""
    for name, label in labels.items():
        if name in form.fields:
            form.fields[name].label = label
            form.fields[name].widget.attrs.pop("placeholder", None)


class CodeCounted:
    """Counts wrong codes of a user, with the API's."""

    user: Any

    def clean_code(self) -> str:
        """Refuse a wrong code, and any code after too many wrong ones."""
        if throttle.take("code", str(self.user.pk)):
            raise ValidationError(_("Too many wrong codes. Try again later."))
        code: str = super().clean_code()  # type: ignore[misc]
        throttle.give_back("code", str(self.user.pk))
        return code


class AuthenticateForm(CodeCounted, mfa.AuthenticateForm):  # type: ignore[misc]
    """The second step of sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, code=_("Code"))


class ReauthenticateForm(CodeCounted, mfa.ReauthenticateForm):  # type: ignore[misc]
    """Proof that it is still oneself, by code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, code=_("Code"))


class SetUpAppForm(totp.ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an authenticator app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, code=_("Code that the app shows"))


class AddPasskeyForm(webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey, under a name by which one knows it again."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100, required=False)
    passwordless = forms.BooleanField(
        label=gettext_lazy("Sign in with it alone"), required=False,
        help_text=gettext_lazy("Without a password; it then asks for your fingerprint, your face or a PIN."),
    )


class EditPasskeyForm(webauthn.EditWebAuthnForm):  # type: ignore[misc]
    """Another name for a passkey."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)


class ResetPasswordForm(account.ResetPasswordForm):  # type: ignore[misc]
    """Takes any address and says the same; the mail is written by a job, so the time tells nothing either."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, email=_("E-mail address"))

    def clean_email(self) -> str:
        """Return the address; whether it is known is not asked here."""
        self.users: list[AbstractBaseUser] = []
        return str(self.cleaned_data["email"]).strip().lower()

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Ask for the mail, unless too many were asked for already."""
        email = str(self.cleaned_data["email"])
        if not throttle.take("mail", email) and not throttle.take("mail-from", network_of(client_address(request))):
            mails.request_password_reset(email)
        return email


class ChangePasswordForm(account.ChangePasswordForm):  # type: ignore[misc]
    """Asks for the old password under the same lock-out as sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, oldpassword=_("Current password"), password1=_("New password"), password2=_("New password again"))

    def clean_oldpassword(self) -> str:
        """Refuse a wrong old password, and any after too many wrong ones."""
        if throttle.take("account", self.user.email):
            raise ValidationError(_("Too many attempts. Try again later."))
        found: str = super().clean_oldpassword()
        throttle.give_back("account", self.user.email)
        return found
