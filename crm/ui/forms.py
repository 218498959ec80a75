"""How forms look: Django's own forms and the ones made from an entity's fields."""

from typing import Any

from django.forms.renderers import DjangoTemplates
from django.template import TemplateDoesNotExist
from django.template.loader import get_template


class Renderer(DjangoTemplates):
    """Draws forms with our templates where there is one, with Django's otherwise."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"

    def get_template(self, template_name: str) -> Any:
        """Return our template of this name, or Django's."""
        try:
            return get_template(template_name)
        except TemplateDoesNotExist:
            return super().get_template(template_name)
