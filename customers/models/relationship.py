"""Relationships: typed links between any two people or companies (C3)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model
from customers.models.company import Company
from customers.models.customer import Customer


def _exactly_one(prefix: str) -> models.Q:
    person, company = f"{prefix}_customer__isnull", f"{prefix}_company__isnull"
    return models.Q(**{person: False, company: True}) | models.Q(**{person: True, company: False})


class Relationship(Model):
    """``from`` is the <kind> of ``to``: each end is one person or one company."""

    class Kind(models.TextChoices):
        EMPLOYEE = "EMPLOYEE", _("Employee")
        MANAGER = "MANAGER", _("Manager")
        PARTNER = "PARTNER", _("Partner")
        SUPPLIER = "SUPPLIER", _("Supplier")
        INVESTOR = "INVESTOR", _("Investor")
        REFERRER = "REFERRER", _("Referrer")
        FAMILY = "FAMILY", _("Family")
        COLLEAGUE = "COLLEAGUE", _("Colleague")
        OTHER = "OTHER", _("Other")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    from_customer = models.ForeignKey(Customer, models.CASCADE, null=True, blank=True, related_name="links_from")
    from_company = models.ForeignKey(Company, models.CASCADE, null=True, blank=True, related_name="links_from")
    to_customer = models.ForeignKey(Customer, models.CASCADE, null=True, blank=True, related_name="links_to")
    to_company = models.ForeignKey(Company, models.CASCADE, null=True, blank=True, related_name="links_to")
    note = models.CharField(_("note"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("relationship")
        constraints = [
            models.CheckConstraint(condition=_exactly_one("from"), name="relationship_from_one"),
            models.CheckConstraint(condition=_exactly_one("to"), name="relationship_to_one"),
            models.UniqueConstraint(
                fields=["kind", "from_customer", "from_company", "to_customer", "to_company"],
                name="relationship_once", nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_customer or self.from_company} – {self.get_kind_display()} – " + str(
            self.to_customer or self.to_company
        )
