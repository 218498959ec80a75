"""The same password hashing with the least work, so that tests with many people stay fast."""

from django.contrib.auth.hashers import BCryptSHA256PasswordHasher


class Quick(BCryptSHA256PasswordHasher):
    """Four rounds instead of twelve."""

    rounds = 4
