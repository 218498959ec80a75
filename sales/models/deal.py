"""Deals: what may be sold, to whom, by whom, for how much, and how far it has come."""

import time
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model, folded, owner_index, search_indexes
from crm.records.models import Record, Tag, Touched
from customers.models import Company, Customer
from sales.models.pipeline import LossReason, Pipeline, Stage
from sales.models.product import LIVING, Product


def top_rank() -> float:
    """Return a rank above every earlier one, so that a new card stands on top of its column."""
    return -time.time()


class Deal(Touched, Record):
    """An opportunity (E3). Its pipeline and outcome are its stage's (a composite foreign key sees to it)."""

    title = models.CharField(_("title"), max_length=255)
    description = models.TextField(_("description"), blank=True, default="", max_length=20_000)
    value = models.DecimalField(_("value"), max_digits=18, decimal_places=2, default=0)
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    exchange_rate = models.DecimalField(
        max_digits=18, decimal_places=8, default=1, db_default=1, editable=False,
        help_text=_("Of the currency to the base currency, on the day the value was set."),
    )
    value_base = models.GeneratedField(
        expression=models.functions.Round(models.F("value") * models.F("exchange_rate"), 2),
        output_field=models.DecimalField(max_digits=18, decimal_places=2),
        db_persist=True,
    )
    pipeline = models.ForeignKey(Pipeline, models.PROTECT, related_name="deals", verbose_name=_("pipeline"))
    stage = models.ForeignKey(
        Stage, models.PROTECT, db_index=False, related_name="deals", verbose_name=_("stage")  # deal_by_stage_and_close serves it
    )
    outcome = models.CharField(
        _("outcome"), max_length=4, choices=Stage.Outcome, default=Stage.Outcome.OPEN, editable=False
    )
    probability = models.PositiveSmallIntegerField(_("probability"), default=0)
    entered_stage_at = models.DateTimeField(_("entered its stage"), default=timezone.now, editable=False)
    expected_close_date = models.DateField(_("expected close"), null=True, blank=True)
    actual_close_date = models.DateField(_("closed on"), null=True, blank=True)
    engaged_on = models.DateField(_("engaged on"), null=True, blank=True)
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="deals", verbose_name=_("customer")
    )
    company = models.ForeignKey(
        Company, models.PROTECT, null=True, blank=True, related_name="deals", verbose_name=_("company")
    )
    product = models.ForeignKey(
        Product, models.PROTECT, null=True, blank=True, related_name="deals", verbose_name=_("product")
    )
    source = models.CharField(_("source"), max_length=120, blank=True, default="")
    next_step = models.CharField(_("next step"), max_length=255, blank=True, default="")
    close_reason = models.ForeignKey(
        LossReason, models.PROTECT, null=True, blank=True, related_name="deals", verbose_name=_("reason")
    )
    close_note = models.CharField(_("note on closing"), max_length=500, blank=True, default="")
    competitor = models.CharField(_("competitor"), max_length=120, blank=True, default="")
    assigned_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="deals",
        verbose_name=_("owner"),
    )
    is_active = models.BooleanField(_("active"), default=True)
    external_id = models.CharField(_("external id"), max_length=120, blank=True, default="")
    rank = models.FloatField(default=top_rank, editable=False)
    tags = models.ManyToManyField(Tag, blank=True, related_name="deals", verbose_name=_("tags"))
    products = models.ManyToManyField(Product, through="DealProduct", related_name="deals_with")
    contacts = models.ManyToManyField(Customer, through="DealContact", related_name="deals_as_contact")
    sort_key = folded("title")
    search_text = folded("title", "external_id", "next_step")

    class Meta:
        verbose_name = _("deal")
        verbose_name_plural = _("deals")
        base_manager_name = "everything"
        constraints = [
            models.CheckConstraint(condition=~models.Q(title=""), name="deal_title_given"),
            models.CheckConstraint(condition=models.Q(value__gte=0), name="deal_value_not_negative"),
            models.CheckConstraint(
                condition=models.Q(probability__gte=0, probability__lte=100), name="deal_probability_range"
            ),
            models.CheckConstraint(
                condition=models.Q(outcome="open", actual_close_date=None)
                | (~models.Q(outcome="open") & models.Q(actual_close_date__isnull=False)),
                name="deal_closed_has_date",
            ),
            models.UniqueConstraint(
                fields=["external_id"], name="deal_external_unique", condition=LIVING & ~models.Q(external_id="")
            ),
        ]
        indexes = [
            *Record.record_indexes("deal"),
            *Touched.touched_indexes("deal"),
            models.Index(
                fields=["stage", "rank", "id"], name="deal_board", condition=LIVING,
                include=["expected_close_date", "probability", "customer"],  # what lanes are made of
            ),
            models.Index(fields=["stage", "assigned_user", "rank", "id"], name="deal_board_of_owner", condition=LIVING),
            models.Index(
                fields=["pipeline", "stage"], name="deal_totals", condition=LIVING,
                include=["value_base", "probability", "assigned_user"],
            ),
            models.Index(fields=["assigned_user", "outcome", "expected_close_date"], name="deal_by_owner", condition=LIVING),
            models.Index(fields=["customer", "outcome"], name="deal_by_customer", condition=LIVING),
            models.Index(fields=["company", "outcome"], name="deal_by_company", condition=LIVING),
            models.Index(fields=["outcome", "actual_close_date"], name="deal_closed", condition=LIVING),
            models.Index(fields=["-value_base", "-id"], name="deal_by_value", condition=LIVING),
            models.Index(fields=["sort_key", "id"], name="deal_by_title"),
            models.Index(fields=["expected_close_date", "id"], name="deal_by_close", condition=LIVING),
            models.Index(fields=["stage", "expected_close_date"], name="deal_by_stage_and_close"),
            owner_index("deal"),
            *search_indexes("deal"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Tell whether the deal is neither won nor lost."""
        return self.outcome == Stage.Outcome.OPEN


class DealProduct(Model):
    """A line of a deal: what, how many, at which price."""

    deal = models.ForeignKey(Deal, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.PROTECT, related_name="lines")
    quantity = models.DecimalField(_("quantity"), max_digits=14, decimal_places=3, default=1)
    unit_price = models.DecimalField(_("unit price"), max_digits=18, decimal_places=2)
    discount_percent = models.DecimalField(_("discount"), max_digits=5, decimal_places=2, default=0)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "created_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="dealproduct_quantity_positive"),
            models.CheckConstraint(condition=models.Q(unit_price__gte=0), name="dealproduct_price_not_negative"),
            models.CheckConstraint(
                condition=models.Q(discount_percent__gte=0, discount_percent__lte=100),
                name="dealproduct_discount_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"

    @property
    def total(self) -> Decimal:
        """Return what the line comes to after its discount."""
        return round(self.quantity * self.unit_price * (100 - self.discount_percent) / 100, 2)


class DealContact(Model):
    """A person in a deal, with a role."""

    class Role(models.TextChoices):
        CHAMPION = "CHAMPION", _("Champion")
        BUYER = "BUYER", _("Economic buyer")
        DECIDER = "DECIDER", _("Decision maker")
        USER = "USER", _("User")
        BLOCKER = "BLOCKER", _("Blocker")
        OTHER = "OTHER", _("Other")

    deal = models.ForeignKey(Deal, models.CASCADE, related_name="deal_contacts")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="deal_roles")
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.OTHER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["deal", "customer"], name="dealcontact_once")]

    def __str__(self) -> str:
        return f"{self.customer} ({self.get_role_display()})"
