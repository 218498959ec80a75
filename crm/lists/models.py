"""Saved views: a name for filters, order, columns and layout of a list."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model


class SavedView(Model):
    """How somebody wants to see a list. Private, for the team, or for everybody."""

    class Sharing(models.TextChoices):
        PRIVATE = "private", _("Only me")
        TEAM = "team", _("My team")
        EVERYONE = "everyone", _("Everyone")

    entity = models.CharField(_("list"), max_length=60)
    name = models.CharField(_("name"), max_length=80)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views", verbose_name=_("owner"))
    sharing = models.CharField(_("shared with"), max_length=8, choices=Sharing, default=Sharing.PRIVATE)
    team = models.ForeignKey(
        "accounts.Team", models.CASCADE, null=True, blank=True, related_name="saved_views", verbose_name=_("team")
    )
    criteria = models.JSONField(_("filter"), default=dict, blank=True)
    sort = models.JSONField(_("order"), default=list, blank=True)
    columns = models.JSONField(_("columns"), default=list, blank=True)
    group_by = models.CharField(_("grouped by"), max_length=120, blank=True, default="")
    widths = models.JSONField(_("widths"), default=dict, blank=True)
    calculations = models.JSONField(_("calculations"), default=dict, blank=True)
    frozen = models.JSONField(_("columns that stay in sight"), default=list, blank=True)
    density = models.CharField(_("density"), max_length=12, blank=True, default="")
    layout = models.CharField(_("layout"), max_length=12, blank=True, default="")
    is_pinned = models.BooleanField(_("pinned"), default=True)
    position = models.PositiveIntegerField(_("order"), default=0)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["position", "created_at"]
        constraints = [
            models.UniqueConstraint(models.functions.Lower("name"), "owner", "entity", name="savedview_name_once"),
            models.CheckConstraint(
                condition=~models.Q(sharing="team") | models.Q(team__isnull=False), name="savedview_team_named"
            ),
        ]
        indexes = [models.Index(fields=["entity", "position"], name="savedview_by_entity")]

    def __str__(self) -> str:
        return self.name


class ViewTab(Model):
    """How one person keeps a saved view: its place among the tabs, whether it is one, whether the list opens with it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="view_tabs")
    view = models.ForeignKey(SavedView, models.CASCADE, related_name="tabs")
    entity = models.CharField(max_length=60)
    position = models.PositiveIntegerField(null=True, blank=True)
    is_shown = models.BooleanField(null=True, blank=True)
    is_default = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("tab of a view")
        verbose_name_plural = _("tabs of views")
        constraints = [
            models.UniqueConstraint(fields=["user", "view"], name="viewtab_once"),
            models.UniqueConstraint(fields=["user", "entity"], condition=models.Q(is_default=True), name="viewtab_one_default"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.view_id}"


class Favourite(Model):
    """A record or page that somebody keeps in the side bar."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="favourites")
    entity = models.CharField(max_length=60)
    record_id = models.UUIDField()
    position = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("favourite")
        verbose_name_plural = _("favourites")
        ordering = ["position", "created_at"]
        constraints = [models.UniqueConstraint(fields=["user", "entity", "record_id"], name="favourite_once")]

    def __str__(self) -> str:
        return f"{self.entity} {self.record_id}"
