from django.apps import AppConfig


class CriteriaConfig(AppConfig):
    name = "crm.criteria"
    label = "criteria"
