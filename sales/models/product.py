"""Products: what can be sold (S9)."""

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crm.lib.models import folded, search_indexes
from crm.records.models import Record, Tag

LIVING = models.Q(deleted_at=None)


class Product(Record):
    """A thing or service with a list price."""

    name = models.CharField(_("name"), max_length=200)
    code = models.CharField(_("code"), max_length=60, blank=True, default="")
    family = models.CharField(_("family"), max_length=120, blank=True, default="")
    description = models.TextField(_("description"), blank=True, default="", max_length=20_000)
    price = models.DecimalField(_("price"), max_digits=18, decimal_places=2, default=0)
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    unit = models.CharField(_("unit"), max_length=40, blank=True, default="")
    is_active = models.BooleanField(_("active"), default=True)
    tags = models.ManyToManyField(Tag, blank=True, related_name="products", verbose_name=_("tags"))
    sort_key = folded("name")
    search_text = folded("name", "code", "family")

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        base_manager_name = "everything"
        constraints = [
            models.UniqueConstraint(
                Lower("code"), name="product_code_unique", condition=LIVING & ~models.Q(code="")
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="product_name_given"),
            models.CheckConstraint(condition=models.Q(price__gte=0), name="product_price_not_negative"),
        ]
        indexes = [
            *Record.record_indexes("product"),
            models.Index(fields=["sort_key", "id"], name="product_by_name", condition=LIVING),
            *search_indexes("product"),
        ]

    def __str__(self) -> str:
        return self.name
