"""How a deal looks on a board: the one place where a card is written.

A card is text and no template, as the rows of ``crm.lists.table`` are: a board draws up to two hundred. The board, the
next cards of a column and a card that is drawn again after a move all come from ``draw_cards``.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.ui.figures import money, when
from crm.ui.html import SafeString, esc
from crm.ui.marks import avatar, icon, mark, tag
from sales.selectors import Card


def draw_cards(cards: Iterable[Card]) -> SafeString:
    """Return the cards in their order."""
    write = _writer()
    return SafeString("".join([write(card) for card in cards]))


def _writer() -> Any:
    """Return what writes one card after another; what stands on many of them (words, owners, days) is drawn once."""
    role = esc(_("Deal card"))
    before, _title, after = esc(_("Actions for %(title)s") % {"title": "\x00"}).partition("\x00")
    menu = f'{after}" data-menu>{icon("ellipsis", "icon-sm")}</button>'
    nothing = esc(_("Nothing is planned"))
    unplanned = f'<span class="sig" data-plan data-tone="neutral" title="{nothing}">{icon("plus")}<span class="vh">{nothing}</span></span>'
    nobody = f"<span>{esc(_('No customer yet'))}</span>"
    hidden = f"<span>{esc(_('Hidden'))}</span>"
    passed = f'<span class="vh">{esc(_("Close date passed:"))}</span>'
    calendar, no_date = icon("calendar", "icon-xs"), esc(_("No date"))
    owners: dict[Any, str] = {}
    days: dict[Any, Any] = {}

    def owner(person: Any) -> str:
        key = person.pk if person is not None else None
        drawn = owners.get(key)
        if drawn is None:
            drawn = owners[key] = avatar(person, "av-sm")
        return drawn

    def whose(card: Card) -> str:
        deal = card.deal
        if deal.company:
            return f'{mark(deal.company.name, deal.company_id, "av-sm")}<span>{esc(deal.company.name)}</span>'
        if deal.customer:
            return f'{avatar(deal.customer, "av-sm", False)}<span>{esc(deal.customer.name)}</span>'
        return hidden if card.veiled else nobody

    def date(card: Card) -> str:
        """Return how long it stands idle, when it was closed, or when it is expected to close."""
        if card.idle_days:
            words = ngettext("%(days)s day idle", "%(days)s days idle", card.idle_days) % {"days": card.idle_days}
            return f'<span class="rot">{icon("hourglass", "icon-xs")}{esc(words)}</span>'
        deal = card.deal
        day = deal.expected_close_date if deal.is_open else deal.actual_close_date
        if day not in days:
            days[day] = when(day)
        shown = days[day] if day or not deal.is_open else no_date
        late, told = (" late", passed) if card.late else ("", "")
        return f'<span class="deal-d{late}">{calendar}{told}{shown}</span>'

    def write(card: Card) -> str:
        deal = card.deal
        pk, title, value = str(deal.pk), esc(deal.title), esc(money(deal.value, deal.currency))
        step = card.next_step
        if step:
            words = esc(step.words)
            signal = f'<span class="sig" data-plan data-tone="{esc(step.tone)}" title="{words}">{icon(step.icon)}<span class="vh">{words}</span></span>'
        else:
            signal = unplanned if deal.is_open else ""
        return (
            f'<li class="deal" tabindex="0" id="d-{pk}" data-id="{pk}" data-version="{deal.version}" data-amount="{deal.value_base}"'
            f' data-p="{deal.probability}" data-edited="deal:{pk}" data-title="{title}" aria-roledescription="{role}" aria-label="{title}, {value}">\n'
            f'<button type="button" class="btn btn-ghost btn-sm btn-icon deal-more" aria-label="{before}{title}{menu}\n'
            f'<div class="deal-co">{whose(card)}</div>\n'
            f'<h3 class="deal-t"><a href="/deals/{pk}" tabindex="-1">{title}</a></h3>\n'
            f'<div class="deal-m"><span class="deal-v text-ui text-text">{value}</span>{_tags(card.tags)}</div>\n'
            f'<div class="deal-m">{date(card)}<span class="sp"></span>{signal}{owner(deal.assigned_user)}</div>\n</li>'
        )

    return write


SHOWN_TAGS = 2


def _tags(tags: Sequence[Any]) -> str:
    """Return the first tags, and how many more there are."""
    if not tags:
        return ""
    more = len(tags) - SHOWN_TAGS
    rest = f'<span class="tag" title="{esc(", ".join(t.name for t in tags[SHOWN_TAGS:]))}">+{more}</span>' if more > 0 else ""
    return f'<span class="deal-tags">{"".join(tag(t.name, t.hue) for t in tags[:SHOWN_TAGS])}{rest}</span>'
