"""Stamps: moments that tell every process when something that it keeps in memory has changed."""

from django.db import models


class Stamp(models.Model):
    """When one registry (``custom_fields`` and the like) changed last, in nanoseconds."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} {self.value}"
