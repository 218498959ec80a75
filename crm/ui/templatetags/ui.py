"""Hot components as plain template tags; they are builtins, so templates need no ``load``."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from crm.access.rights import rights_of
from crm.lib.languages import number_to_type
from crm.lib.text import in_sentence
from crm.ui import charts, figures, marks
from crm.ui.origin import toast_of
from crm.ui.sheets import sheets

register = template.Library()

MOST_KEPT = 500

_DRAWN: tuple[Callable[..., SafeString], ...] = (
    marks.icon, marks.avatar, marks.mark, marks.badge, marks.tag,
    charts.meter, charts.goalbar, charts.spark, charts.bar_list, charts.stacked, charts.columns, charts.funnel, charts.donut,
    charts.line, charts.histogram,
)
for drawn in _DRAWN:
    register.simple_tag(drawn)
_FILTERS: dict[str, Callable[..., Any]] = {
    "num": figures.number, "percent": figures.percent, "weekday": figures.weekday, "day_in_full": figures.day_in_full,
    "money": figures.money, "signed": figures.signed, "when": figures.when, "duration": figures.duration, "filesize": figures.size,
    "client": figures.client,
}
for name, function in _FILTERS.items():
    register.filter(name, function)
register.simple_tag(figures.money, name="money")
register.simple_tag(figures.when, name="when")
register.simple_tag(sheets)


@register.simple_tag
def logo() -> SafeString:
    """Draw the mark of the product."""
    return marks.LOGO


_kept: dict[tuple[str, ...], str] = {}


@register.simple_tag(takes_context=True)
def kept(context: Any, template: str) -> SafeString:
    """Include a part of the shell that depends on nothing but the person, what he may do, and the language.

    It is drawn once for each of these and kept by this process.
    """
    user: Any = getattr(context.get("request"), "user", None)
    if user is None or not user.is_authenticated or not (fingerprint := rights_of(user).fingerprint):
        return _draw_part(context, template)
    # A change of rights is another fingerprint, a change of the profile another version.
    key = (template, str(get_language()), fingerprint.hex(), f"{user.version} {user.single_key_shortcuts}")
    if key not in _kept:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[key] = _draw_part(context, template)
    return SafeString(_kept[key])


def _draw_part(context: Any, template: str) -> SafeString:
    found: SafeString = context.template.engine.get_template(template).render(context)
    return found


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
