"""Django's admin, entered through the same sign-in as everything else."""

from django.contrib.admin.apps import AdminConfig as StockAdminConfig


class AdminConfig(StockAdminConfig):
    """The stock admin on our site class."""

    default_site = "crm.administration.Site"
