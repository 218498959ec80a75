"""Colours, figures, marks and charts."""

import datetime as dt
from decimal import Decimal

from django.utils import timezone, translation

from crm.ui import charts, figures, marks
from crm.ui.build import tokens


def test_every_pair_of_colours_that_must_be_read_can_be_read() -> None:
    """No text or control falls under its WCAG ratio in either theme."""
    assert tokens.unreadable() == []
    assert "--accent" in tokens.css()
    assert tokens.contrast("#000000", "#ffffff") == 21


def test_money_and_numbers_follow_the_language() -> None:
    """Whole amounts lose their decimals; the language sets the signs."""
    assert figures.money(Decimal("1234.50"), "USD") == "$1,234.50"
    assert figures.money(1200, "USD") == "$1,200"
    assert figures.money(1_500_000, "USD", short=True) == "$1.5M"
    assert figures.money(None) == ""
    assert figures.number(1234567) == "1,234,567"
    with translation.override("de"):
        assert figures.number(1234567) == "1.234.567"
        assert "€" in figures.money(5, "EUR")


def test_a_time_always_tells_the_exact_moment() -> None:
    """The words are near, the attribute is exact."""
    now = timezone.now()
    assert f'datetime="{now.isoformat()}"' in figures.when(now)
    assert "Yesterday" in figures.when(timezone.localdate() - dt.timedelta(days=1))
    assert "ago" in figures.when(now - dt.timedelta(hours=3), "relative")
    assert figures.when(None) == ""
    assert figures.duration(3900) == "1 h 5 min"


def test_marks_and_charts_escape_what_people_wrote() -> None:
    """A name is text, never markup."""
    evil = '<script>"x"</script>'
    rows = [{"label": evil, "value": 3, "url": "/x?a=1&b=2"}, {"label": "b", "value": 0}]
    drawn = [
        marks.tag(evil), marks.badge(evil, "info"), marks.mark(evil), charts.bar_list(rows, evil), charts.columns(rows, evil),
        charts.funnel(rows, evil), charts.donut(rows, evil), charts.line(rows, evil), charts.table(rows, evil),
    ]
    for html in drawn:
        assert "<script" not in html
        assert "style=" not in html


def test_charts_of_nothing_are_drawn() -> None:
    """No rows, or only noughts, are no error."""
    for rows in ([], [{"label": "a", "value": 0}]):
        for draw in (charts.bar_list, charts.columns, charts.funnel, charts.donut, charts.line):
            assert draw(rows, "Nothing") is not None
    assert charts.spark([1]) == ""
    assert "rect" in charts.meter(5, 0)
