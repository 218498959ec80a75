"""Companies: organisations with a parent."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import folded, owner_index, search_indexes
from crm.records.models import Record, Tag, Touched

LIVING = models.Q(deleted_at=None)


class Company(Touched, Record):
    """An organisation. The tree of parents has no circle (a trigger sees to it)."""

    name = models.CharField(_("name"), max_length=200)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="subsidiaries",
        verbose_name=_("parent company"),
    )
    domain = models.CharField(_("domain"), max_length=253, blank=True, default="")
    website = models.URLField(_("website"), max_length=500, blank=True, default="")
    phone = models.CharField(_("phone"), max_length=40, blank=True, default="")
    email = models.EmailField(_("e-mail"), max_length=254, blank=True, default="")
    industry = models.CharField(_("industry"), max_length=120, blank=True, default="")
    employees = models.PositiveIntegerField(_("employees"), null=True, blank=True)
    annual_revenue = models.DecimalField(
        _("annual revenue"), max_digits=18, decimal_places=2, null=True, blank=True
    )
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    founded_year = models.PositiveSmallIntegerField(
        _("founded"), null=True, blank=True, validators=[MinValueValidator(1000)]
    )
    address = models.JSONField(_("address"), default=dict, blank=True)
    description = models.TextField(_("description"), blank=True, default="", max_length=20_000)
    source = models.CharField(_("source"), max_length=120, blank=True, default="")
    assigned_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="companies",
        verbose_name=_("owner"),
    )
    is_active = models.BooleanField(_("active"), default=True)
    tags = models.ManyToManyField(Tag, blank=True, related_name="companies", verbose_name=_("tags"))
    sort_key = folded("name")
    search_text = folded("name", "domain", "email", "phone")

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        base_manager_name = "everything"
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="company_name_given"),
            models.CheckConstraint(
                condition=models.Q(parent=None) | ~models.Q(parent=models.F("id")), name="company_not_own_parent"
            ),
        ]
        indexes = [
            *Record.record_indexes("company"),
            *Touched.touched_indexes("company"),
            models.Index(fields=["sort_key", "id"], name="company_by_name"),
            models.Index(fields=["assigned_user", "sort_key", "id"], name="company_by_owner", condition=LIVING),
            models.Index(fields=["parent"], name="company_by_parent"),
            models.Index(fields=["domain"], name="company_by_domain", condition=~models.Q(domain="")),
            models.Index(fields=["industry", "sort_key", "id"], name="company_by_industry", condition=LIVING),
            owner_index("company"),
            *search_indexes("company"),
        ]

    def __str__(self) -> str:
        return self.name
