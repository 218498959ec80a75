"""A select whose records are looked up while one types: no page carries all of them."""

from typing import Any

from django import forms


class RemoteSelect(forms.Select):
    """Draws the chosen record alone; the others come from ``/options/<entity>``."""

    template_name = "forms/remote.html"

    def __init__(self, entity: str, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.entity = entity

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Return what the template needs: the chosen record with its title, and what stands for none."""
        context = super(forms.Select, self).get_context(name, value, attrs)
        context["widget"] |= {"url": f"/options/{self.entity}", "empty": context["widget"]["optgroups"][0][1][0]["label"]}
        return context

    def optgroups(self, name: str, value: list[str], attrs: dict[str, Any] | None = None) -> list[Any]:
        """Return the empty choice and the chosen one."""
        queryset: Any = getattr(self.choices, "queryset", None)
        field: Any = getattr(self.choices, "field", None)
        keys = [v for v in value if v]
        made: list[tuple[Any, Any]] = [("", field.empty_label or "")] if field is not None and field.empty_label is not None else [("", "")]
        try:
            found = list(queryset.filter(pk__in=keys)) if queryset is not None and keys else []
        except (ValueError, forms.ValidationError):
            found = []
        made += [(str(row.pk), str(row)) for row in found]
        chosen = {str(v) for v in value}
        return [(None, [self.create_option(name, key, label, key in chosen, i, attrs=attrs)], i) for i, (key, label) in enumerate(made)]
