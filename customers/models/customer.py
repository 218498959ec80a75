"""Customers: the people we sell to."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.lib.models import folded, owner_index, search_indexes
from crm.records.models import Record, Tag, Touched
from customers.models.company import LIVING, Company


class Customer(Touched, Record):
    """A person (E2). The e-mail address is unique among the living, whatever its case."""

    class Status(models.TextChoices):
        LEAD = "LEAD", _("Lead")
        PROSPECT = "PROSPECT", _("Prospect")
        CUSTOMER = "CUSTOMER", _("Customer")
        INACTIVE = "INACTIVE", _("Inactive")

    email = models.EmailField(_("e-mail"), max_length=254, null=True, blank=True)
    first_name = models.CharField(_("first name"), max_length=150, blank=True, default="")
    last_name = models.CharField(_("last name"), max_length=150, blank=True, default="")
    salutation = models.CharField(_("how to address"), max_length=60, blank=True, default="")
    company = models.ForeignKey(
        Company, models.PROTECT, null=True, blank=True, related_name="people", verbose_name=_("company")
    )
    job_title = models.CharField(_("job title"), max_length=200, blank=True, default="")
    department = models.CharField(_("department"), max_length=120, blank=True, default="")
    phone = models.CharField(_("phone"), max_length=40, blank=True, default="")
    website = models.URLField(_("website"), max_length=500, blank=True, default="")
    birthday = models.DateField(_("birthday"), null=True, blank=True)
    address = models.JSONField(_("address"), default=dict, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.LEAD)
    source = models.CharField(_("source"), max_length=120, blank=True, default="")
    description = models.TextField(_("description"), blank=True, default="", max_length=20_000)
    score = models.IntegerField(_("score"), default=0, db_default=0)
    lifetime_value = models.DecimalField(
        _("lifetime value"), max_digits=18, decimal_places=2, default=0, db_default=0
    )
    assigned_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="customers",
        verbose_name=_("owner"),
    )
    is_active = models.BooleanField(_("active"), default=True)
    tags = models.ManyToManyField(Tag, blank=True, related_name="customers", verbose_name=_("tags"))
    sort_key = folded("last_name", "first_name", "email")
    search_text = folded("first_name", "last_name", "email", "phone")

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        base_manager_name = "everything"
        constraints = [
            models.UniqueConstraint(Lower("email"), name="customer_email_unique", condition=LIVING),
            models.CheckConstraint(
                condition=~models.Q(first_name="", last_name="") | models.Q(email__isnull=False),
                name="customer_has_a_name_or_email",
            ),
            models.CheckConstraint(
                condition=models.Q(email=None) | ~models.Q(email=""), name="customer_email_not_empty"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["LEAD", "PROSPECT", "CUSTOMER", "INACTIVE"]),
                name="customer_status_known",
            ),
        ]
        indexes = [
            *Record.record_indexes("customer"),
            *Touched.touched_indexes("customer"),
            models.Index(fields=["sort_key", "id"], name="customer_by_name"),
            models.Index(fields=["assigned_user", "sort_key", "id"], name="customer_by_owner", condition=LIVING),
            models.Index(fields=["status", "sort_key", "id"], name="customer_by_status", condition=LIVING),
            models.Index(fields=["company", "sort_key", "id"], name="customer_by_company", condition=LIVING),
            models.Index(fields=["search_text", "id"], name="customer_by_first_name", condition=LIVING),
            models.Index(fields=["-score", "-id"], name="customer_by_score", condition=LIVING),
            models.Index(fields=["-lifetime_value", "-id"], name="customer_by_value", condition=LIVING),
            owner_index("customer"),
            *search_indexes("customer"),
        ]

    address_is_hidden = False
    """The viewer of this row may not read its address (see ``crm.ui.values.veil``)."""

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Return the name to show: given and family name, or the address where it is not hidden from who looks."""
        named = f"{self.first_name} {self.last_name}".strip()
        return named or (gettext("No name") if self.address_is_hidden else self.email) or str(self.pk)
