"""How to reach a customer: several methods and addresses, one primary of each kind (C2)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model
from customers.models.customer import Customer


class CustomerContact(Model):
    """One way to reach a person; e-mail and phone also when it is not the first one."""

    class Kind(models.TextChoices):
        EMAIL = "EMAIL", _("E-mail")
        PHONE = "PHONE", _("Phone")
        MOBILE = "MOBILE", _("Mobile")
        FAX = "FAX", _("Fax")
        WEBSITE = "WEBSITE", _("Website")
        SOCIAL = "SOCIAL", _("Social profile")
        MESSENGER = "MESSENGER", _("Messenger")
        OTHER = "OTHER", _("Other")

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="contact_methods")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    label = models.CharField(_("label"), max_length=60, blank=True, default="")
    value = models.CharField(_("value"), max_length=500)
    is_primary = models.BooleanField(_("primary"), default=False)

    class Meta:
        verbose_name = _("contact method")
        ordering = ["kind", "-is_primary", "created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind"], name="contact_one_primary_per_kind",
                condition=models.Q(is_primary=True),
            ),
            models.UniqueConstraint(fields=["customer", "kind", "value"], name="contact_value_once"),
            models.CheckConstraint(condition=~models.Q(value=""), name="contact_value_given"),
        ]
        indexes = [models.Index(models.functions.Lower("value"), name="contact_by_value")]

    def __str__(self) -> str:
        return self.value


class CustomerAddress(Model):
    """A postal address of a person."""

    class Kind(models.TextChoices):
        PHYSICAL = "PHYSICAL", _("Physical")
        BILLING = "BILLING", _("Billing")
        SHIPPING = "SHIPPING", _("Shipping")

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="addresses")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PHYSICAL)
    line1 = models.CharField(_("street"), max_length=255, blank=True, default="")
    line2 = models.CharField(_("street, second line"), max_length=255, blank=True, default="")
    city = models.CharField(_("city"), max_length=120, blank=True, default="")
    region = models.CharField(_("state or region"), max_length=120, blank=True, default="")
    postal_code = models.CharField(_("postal code"), max_length=30, blank=True, default="")
    country = models.CharField(_("country"), max_length=120, blank=True, default="")
    is_primary = models.BooleanField(_("primary"), default=False)

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        ordering = ["kind", "-is_primary", "created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind"], name="address_one_primary_per_kind",
                condition=models.Q(is_primary=True),
            ),
            models.CheckConstraint(
                condition=~models.Q(line1="", line2="", city="", region="", postal_code="", country=""),
                name="address_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return ", ".join(p for p in (self.line1, self.line2, self.postal_code, self.city, self.country) if p)
