"""What our sign-in does differently from allauth's: own lock-out, no open sign-up, own addresses."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth import login as django_login
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from crm.accounts import mails, second_factor, sign_in, throttle
from crm.accounts.models import User
from crm.lib.addresses import client_address
from crm.lib.errors import Refusal

BACKEND = "crm.accounts.backends.Backend"


class AccountAdapter(DefaultAccountAdapter):
    """Our answers to allauth's questions."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": sign_in.WRONG,
        "too_many_login_attempts": sign_in.WRONG,
        "enter_current_password": _("This is not your password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People come by invitation; ``REGISTRATION_OPEN`` opens the API's registration only."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that our own proxies vouch for."""
        return client_address(request)

    def is_safe_url(self, url: str | None) -> bool:  # type: ignore[override]
        """Allow paths of our own only: no scheme, no host, no backslash, no control character."""
        if not url or not url.startswith("/") or any(ord(c) < 33 or c == "\\" for c in url):
            return False
        return bool(url_has_allowed_host_and_scheme(url, allowed_hosts=None))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:  # type: ignore[override]
        """Check a password under our own lock-out, which the API shares."""
        try:
            return sign_in.check_password(
                email=credentials.get("email") or "",
                password=credentials.get("password") or "",
                address=client_address(request),
                device=sign_in.device_of(request),
                request=request,
            )
        except Refusal as refusal:
            request.sign_in_refused = refusal.status  # type: ignore[attr-defined]
            raise self.validation_error("too_many_login_attempts") from None

    def login(self, request: HttpRequest, user: Any) -> None:
        """Sign in, with the backend that loads role and team."""
        if not hasattr(user, "backend"):
            user.backend = BACKEND
        django_login(request, user)

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Let someone know of a change to the account, in words of ours and in the language of the profile."""
        notice = template_prefix.rpartition("/")[2]
        if notice in mails.NOTICES:
            device = self.get_http_user_agent(self.request)[:200]
            mails.request_notice(user, notice, ip=self.get_client_ip(self.request), device=device, at=timezone.now().isoformat())

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Forget the failures of an account whose owner has just reset the password."""
        throttle.forget("account", credentials.get("email") or "")

    def set_password(self, user: Any, password: str) -> None:
        """Store a password and end what was signed in with the old one."""
        sign_in.set_password(user, password, request=self.request)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link of a reset mail, on our own address whatever host the request named."""
        uid, _dash, token = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
        return f"{settings.SITE_URL}{path}"


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets of authenticators are stored encrypted."""

    def encrypt(self, text: str) -> str:
        """Encrypt what is stored."""
        return second_factor.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt what was stored."""
        return second_factor.decrypt(encrypted_text)

    def get_totp_issuer(self) -> str:
        """Return the name that authenticator apps show."""
        return "Rapport"

    def _get_site_name(self) -> str:
        return "Rapport"
