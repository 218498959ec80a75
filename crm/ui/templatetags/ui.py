"""Hot components as plain template tags; they are builtins, so templates need no ``load``."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from crm.lib.languages import number_to_type
from crm.lib.text import in_sentence
from crm.ui import charts, figures, marks
from crm.ui.origin import toast_of

register = template.Library()

_DRAWN: tuple[Callable[..., SafeString], ...] = (
    marks.icon, marks.avatar, marks.mark, marks.badge, marks.tag,
    charts.meter, charts.goalbar, charts.spark, charts.bar_list, charts.stacked, charts.columns, charts.funnel, charts.donut,
    charts.line, charts.histogram,
)
for drawn in _DRAWN:
    register.simple_tag(drawn)
_FILTERS: dict[str, Callable[..., Any]] = {
    "num": figures.number, "percent": figures.percent, "weekday": figures.weekday, "day_in_full": figures.day_in_full,
    "money": figures.money, "when": figures.when, "duration": figures.duration, "filesize": figures.size,
}
for name, function in _FILTERS.items():
    register.filter(name, function)
register.simple_tag(figures.money, name="money")
register.simple_tag(figures.when, name="when")


@register.simple_tag
def logo() -> SafeString:
    """Draw the mark of the product."""
    return marks.LOGO


@register.simple_tag
def toast_item(message: Any) -> SafeString:
    """Leave a waiting message for ``<crm-toasts>`` to show; without scripts it is plain text."""
    data = toast_of(message)
    return format_html('<div class="toast" data-toast="{}"><span>{}</span></div>', json.dumps(data), data["text"])


register.filter("in_sentence", in_sentence)
register.filter("typed", number_to_type)


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """Return ``mapping[key]``, or nothing."""
    try:
        return mapping.get(key) if hasattr(mapping, "get") else mapping[key]
    except (KeyError, IndexError, TypeError):
        return None


@register.filter
def starts(text: Any, beginning: Any) -> bool:
    """Tell whether a path lies at or below an address (the root only at itself)."""
    text, beginning = str(text), str(beginning)
    return text == beginning or (beginning != "/" and text.startswith(beginning.rstrip("/") + "/"))


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: Any) -> str:
    """Return the page's query string with some parameters changed; an empty value removes one."""
    request = context["request"]
    known = getattr(request, "_query_lists", None)
    if known is None:
        known = request._query_lists = {name: values for name, values in request.GET.lists() if name != "after"}
    params = dict(known)
    for name, value in changes.items():
        if value in (None, ""):
            params.pop(name, None)
        else:
            params[name] = [str(value)]
    return f"?{urlencode(sorted(params.items()), doseq=True)}" if params else "?"
