"""Stamps: counters that tell every process when something that it keeps in memory has changed."""

from django.db import models


class Stamp(models.Model):
    """The number of changes of one registry (``custom_fields`` and the like)."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} {self.value}"
