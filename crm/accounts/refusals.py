"""Refusals of sign-in and tokens."""

from crm.lib.errors import Refusal


class NotSignedIn(Refusal):
    """Who is asking is not known."""

    code = "AUTHENTICATION_REQUIRED"
    status = 401
    message = "Sign in first."


class TokenInvalid(Refusal):
    """The token is forged, expired, used, revoked, or of another kind."""

    code = "TOKEN_INVALID"
    status = 401
    message = "The token is not valid."


class SecondFactorRequired(Refusal):
    """The password was right; a second factor is due."""

    code = "SECOND_FACTOR_REQUIRED"
    status = 401
    message = "Send the code of your second factor as “otp”."


class RegistrationClosed(Refusal):
    """People come by invitation here."""

    code = "REGISTRATION_CLOSED"
    status = 403
    message = "Registration is closed. Ask an administrator for an invitation."
