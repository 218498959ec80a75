"""Charts as SVG from the server: themable, printable, with links, and with the same figures as a table.

Every chart takes rows of ``{"label", "value", "display"?, "url"?, "hue"?}``; stacked bars take
``"values": {series: number}`` instead of ``value``.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.ui.figures import number, shortened

Row = dict[str, Any]
HUES = ("teal", "violet", "apricot", "blue", "green", "pink", "amber", "sky", "olive", "coral")


def _joined(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def _shown(row: Row) -> str:
    return str(row.get("display") or number(row.get("value", 0)))


def _hue(row: Row, index: int) -> str:
    return str(row.get("hue") or HUES[index % len(HUES)])


def table(rows: Iterable[Row], heading: str) -> SafeString:
    """Return the figures of a chart as a table behind “Show as table”."""
    lines = format_html_join("", '<tr><th scope="row">{}</th><td class="num">{}</td></tr>', ((r["label"], _shown(r)) for r in rows))
    return format_html(
        '<details class="as-table"><summary>{}</summary><table class="mini-table"><caption class="vh">{}</caption>'
        "<tbody>{}</tbody></table></details>", _("Show as table"), heading, lines,
    )


def meter(value: Any, total: Any = 100, tone: str = "accent", width: int = 44, classes: str = "") -> SafeString:
    """Draw a share as a bar."""
    share = max(0.0, min(1.0, float(value or 0) / float(total or 1)))
    return format_html(
        '<svg class="meter {}" data-tone="{}" viewBox="0 0 {} 5" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="5"/></svg>', classes, tone, width, round(width * share, 1),
    )


def goalbar(reached: Any, likely: Any, goal: Any) -> SafeString:
    """Draw how far one has come towards a goal, and lighter what is likely to follow."""
    whole = float(goal or 1)
    first, second = (max(0.0, min(400.0, 400 * float(value or 0) / whole)) for value in (reached, likely))
    return format_html(
        '<svg class="goalbar" viewBox="0 0 400 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="wtd" width="{}" height="10"/><rect class="won" width="{}" height="10"/></svg>',
        f"{max(first, second):.1f}", f"{first:.1f}",
    )


def spark(points: Sequence[float], tone: str = "accent", width: int = 72, height: int = 22, fill: bool = False) -> SafeString:
    """Draw a short course without axes."""
    values = [float(p) for p in points]
    if len(values) < 2:
        return SafeString()
    low, high = min(values), max(values)
    span = max(high - low, 1e-9)
    xy = [(3 + i * (width - 6) / (len(values) - 1), height - 4 - (v - low) / span * (height - 8)) for i, v in enumerate(values)]
    line = _curve(xy)
    area = format_html('<path class="area" d="{} L{} {} L3 {}Z"/>', line, width - 3, height, height) if fill else ""
    return format_html(
        '<svg class="spark {}" data-tone="{}" viewBox="0 0 {} {}" aria-hidden="true">{}<path d="{}"/>'
        '<circle class="now" cx="{}" cy="{}" r="3"/></svg>',
        "spark-fill" if fill else "", tone, width, height, area, line, round(xy[-1][0], 1), round(xy[-1][1], 1),
    )


def _curve(xy: Sequence[tuple[float, float]]) -> str:
    """Return a Catmull-Rom line through the points as cubic beziers."""
    path = f"M{xy[0][0]:.1f} {xy[0][1]:.1f}"
    for i in range(len(xy) - 1):
        before, here, there, after = xy[max(i - 1, 0)], xy[i], xy[i + 1], xy[min(i + 2, len(xy) - 1)]
        path += (
            f" C{here[0] + (there[0] - before[0]) / 6:.1f} {here[1] + (there[1] - before[1]) / 6:.1f}"
            f" {there[0] - (after[0] - here[0]) / 6:.1f} {there[1] - (after[1] - here[1]) / 6:.1f}"
            f" {there[0]:.1f} {there[1]:.1f}"
        )
    return path


def bar_list(rows: Sequence[Row], heading: str) -> SafeString:
    """Draw labelled horizontal bars: the list is its own table."""
    top = max((float(r.get("value") or 0) for r in rows), default=0) or 1
    lines = []
    for i, row in enumerate(rows):
        name = format_html('<a href="{}">{}</a>', row["url"], row["label"]) if row.get("url") else row["label"]
        lines.append(format_html(
            '<li data-hue="{}"><span class="bl-l">{}</span><b class="num">{}</b><svg class="bl-b" viewBox="0 0 100 6" '
            'preserveAspectRatio="none" aria-hidden="true"><rect width="{}" height="6"/></svg></li>',
            _hue(row, 0 if not row.get("hue") else i), name, _shown(row), round(100 * float(row.get("value") or 0) / top, 2),
        ))
    return format_html('<ul class="bar-list" aria-label="{}">{}</ul>', heading, _joined(lines))


def _ticks(top: float) -> list[float]:
    step = 10 ** math.floor(math.log10(top)) if top > 0 else 1
    for factor in (0.25, 0.5, 1, 2):
        if top / (step * factor) <= 5:
            step *= factor
            break
    return [i * step for i in range(math.ceil(top / step) + 1)]


def _below(x: str, height: int, label: Any, place: int) -> SafeString:
    """Return a label of the lower axis; where the picture is small, only every third of them is shown, and larger."""
    return format_html('<text class="{}" x="{}" y="{}" text-anchor="middle">{}</text>', "ax ax-x" if place % 3 == 0 else "ax ax-x ax-wide",
                       x, height + 18, label)


def stacked(
    rows: Sequence[Row], series: Sequence[tuple[str, Any]], heading: str, goal: float | None = None, height: int = 170
) -> SafeString:
    """Draw stacked columns. ``series`` is ``[(key, label), …]``, the first at the bottom."""
    totals = [sum(float(r["values"].get(k) or 0) for k, _label in series) for r in rows]
    ticks = _ticks(max([*totals, goal or 0, 1e-9]))
    top, left, width = ticks[-1] or 1, 52, 720
    gap = 12 if len(rows) <= 16 else 4
    each = (width - left) / max(len(rows), 1)
    y = lambda value: height - height * value / top  # noqa: E731
    out = [format_html(
        '<line class="gl" x1="{}" x2="{}" y1="{}" y2="{}"/><text class="ax" x="{}" y="{}" text-anchor="end">{}</text>',
        left, width, f"{y(t):.1f}", f"{y(t):.1f}", left - 8, f"{y(t) + 4:.1f}", shortened(t)) for t in ticks]
    every = math.ceil(len(rows) / 14) or 1
    for i, row in enumerate(rows):
        x, sum_ = left + i * each + gap / 2, 0.0
        parts = []
        for number_, (key, _label) in enumerate(series):
            value = float(row["values"].get(key) or 0)
            if value <= 0:
                continue
            parts.append(format_html(
                '<rect class="s{}" x="{}" y="{}" width="{}" height="{}" rx="2"/>', number_ + 1, f"{x:.1f}",
                f"{y(sum_ + value):.1f}", f"{max(each - gap, 1):.1f}", f"{max(y(sum_) - y(sum_ + value) - 1, 0.5):.1f}"))
            sum_ += value
        label = f"{row['label']}: {_shown(row | {'value': totals[i]})}"
        hit = format_html('<rect class="hit" x="{}" y="0" width="{}" height="{}"/>', f"{x - gap / 2:.1f}", f"{each:.1f}", height)
        column = format_html("{}{}", hit, _joined(parts))
        if row.get("url"):
            out.append(format_html('<a href="{}" aria-label="{}" data-tip="{}">{}</a>', row["url"], label, label, column))
        else:
            out.append(format_html('<g data-tip="{}">{}</g>', label, column))
        if i % every == 0:
            out.append(_below(f"{x + (each - gap) / 2:.1f}", height, row["label"], i // every))
    if goal:
        out.append(format_html('<line class="goal-l" x1="{}" x2="{}" y1="{}" y2="{}"/>', left, width, f"{y(goal):.1f}", f"{y(goal):.1f}"))
    keys = [(str(i + 1), label) for i, (_key, label) in enumerate(series)]
    if goal:
        keys.append(("goal", _("Goal")))
    legend = format_html_join("", '<li class="k{}">{}</li>', keys)
    flat = [row | {"value": totals[i]} for i, row in enumerate(rows)]
    return format_html(
        '<crm-chart class="figure">{}<svg class="chart" viewBox="0 -8 {} {}" role="group" aria-label="{}">{}</svg>{}</crm-chart>',
        format_html('<ul class="legend">{}</ul>', legend) if len(series) > 1 else "", width, height + 34, heading,
        _joined(out), table(flat, heading))


def columns(rows: Sequence[Row], heading: str, goal: float | None = None) -> SafeString:
    """Draw plain columns."""
    return stacked([r | {"values": {"value": r.get("value") or 0}} for r in rows], [("value", heading)], heading, goal)


def funnel(rows: Sequence[Row], heading: str) -> SafeString:
    """Draw steps that narrow, each with its share of the first and of the step before."""
    first = float(rows[0].get("value") or 0) if rows else 0
    out, before = [], first
    for i, row in enumerate(rows):
        value = float(row.get("value") or 0)
        share = 100 * value / first if first else 0
        step = 100 * value / before if before else 0
        name = format_html('<a href="{}">{}</a>', row["url"], row["label"]) if row.get("url") else row["label"]
        out.append(format_html(
            '<li data-hue="{}"><span class="fn-l">{}</span><svg class="fn-b" viewBox="0 0 100 22" preserveAspectRatio="none" '
            'aria-hidden="true"><rect x="{}" width="{}" height="22" rx="3"/></svg><b class="num">{}</b>'
            '<span class="fn-p num">{}%</span></li>',
            _hue(row, i), name, round(50 - share / 2, 2), round(max(share, 0.6), 2), _shown(row), number(step if i else share, 0)))
        before = value
    return format_html('<ol class="funnel" aria-label="{}">{}</ol>', heading, _joined(out))


def donut(rows: Sequence[Row], heading: str, centre: str = "") -> SafeString:
    """Draw shares of a whole with a legend that carries the figures."""
    total = sum(float(r.get("value") or 0) for r in rows) or 1
    around, start, arcs, keys = 2 * math.pi * 42, 0.0, [], []
    for i, row in enumerate(rows):
        length = around * float(row.get("value") or 0) / total
        hue = _hue(row, i)
        arcs.append(format_html(
            '<circle data-hue="{}" data-tip="{}" cx="60" cy="60" r="42" stroke-dasharray="{} {}" stroke-dashoffset="{}"/>',
            hue, f"{row['label']}: {_shown(row)}", f"{max(length - 1.5, 0):.2f}", f"{around:.2f}", f"{-start:.2f}"))
        name = format_html('<a href="{}">{}</a>', row["url"], row["label"]) if row.get("url") else row["label"]
        keys.append(format_html('<li data-hue="{}"><span>{}</span><b class="num">{}</b><span class="num muted">{}%</span></li>',
                                hue, name, _shown(row), number(100 * float(row.get("value") or 0) / total, 0)))
        start += length
    return format_html(
        '<crm-chart class="donut-box"><svg class="donut" viewBox="0 0 120 120" role="img" aria-label="{}">{}'
        '<text x="60" y="65" text-anchor="middle">{}</text></svg><ul class="donut-keys">{}</ul></crm-chart>',
        heading, _joined(arcs), centre, _joined(keys))


def line(rows: Sequence[Row], heading: str, height: int = 170) -> SafeString:
    """Draw a course over time."""
    values = [float(r.get("value") or 0) for r in rows]
    if len(values) < 2:
        return table(rows, heading)
    ticks = _ticks(max([*values, 1e-9]))
    top, left, width = ticks[-1] or 1, 52, 720
    step = (width - left - 12) / (len(values) - 1)
    xy = [(left + 6 + i * step, height - height * v / top) for i, v in enumerate(values)]
    out = [format_html(
        '<line class="gl" x1="{}" x2="{}" y1="{}" y2="{}"/><text class="ax" x="{}" y="{}" text-anchor="end">{}</text>',
        left, width, f"{height - height * t / top:.1f}", f"{height - height * t / top:.1f}", left - 8,
        f"{height - height * t / top + 4:.1f}", shortened(t)) for t in ticks]
    path = _curve(xy)
    out.append(format_html('<path class="area" d="{} L{} {} L{} {}Z"/><path class="line" d="{}"/>',
                           path, f"{xy[-1][0]:.1f}", height, f"{xy[0][0]:.1f}", height, path))
    every = math.ceil(len(rows) / 12) or 1
    for i, row in enumerate(rows):
        out.append(format_html('<circle class="dot" cx="{}" cy="{}" r="3" data-tip="{}"/>', f"{xy[i][0]:.1f}", f"{xy[i][1]:.1f}",
                               f"{row['label']}: {_shown(row)}"))
        if i % every == 0:
            out.append(_below(f"{xy[i][0]:.1f}", height, row["label"], i // every))
    return format_html(
        '<crm-chart class="figure"><svg class="chart" viewBox="0 -8 {} {}" role="img" aria-label="{}">{}</svg>{}</crm-chart>',
        width, height + 34, heading, _joined(out), table(rows, heading))


def histogram(counts: Sequence[int], first: int = 0, last: int | None = None) -> SafeString:
    """Draw how often values occur; those between ``first`` and ``last`` stand out."""
    top, last = max([*counts, 1]), len(counts) - 1 if last is None else last
    bars = format_html_join("", '<rect class="{}" x="{}" y="{}" width="8.6" height="{}" rx="1.5"/>', (
        ("on" if first <= i <= last else "", f"{i * 10 + 0.7:.1f}", f"{34 - 32 * c / top:.1f}", f"{32 * c / top:.1f}")
        for i, c in enumerate(counts)))
    return format_html('<svg class="hist" viewBox="0 0 {} 34" preserveAspectRatio="none" aria-hidden="true">{}</svg>',
                       max(len(counts), 1) * 10, bars)
