"""What the bench found, as a page."""

import os
import platform
from collections.abc import Iterable
from typing import Any

from crm.operations.bench.browser import PAINT, SHIFT, TYPING, WEIGHT, Felt
from crm.operations.bench.extras import Figure
from crm.operations.bench.measure import Result


def page(measured: Iterable[Any], *, requests: int, seconds: float, workers: int) -> str:
    """Return the page with the figures of every size."""
    parts = [f"""# Performance

Measured by `make bench` on {os.cpu_count()} cores, Python {platform.python_version()}: {workers} web process{'' if workers == 1 else 'es'}, the relay, the
database, the cache and the load on the same cores, signed in as an administrator where no rep is named, {requests} requests of each kind one at a
time, then eight clients at once for {seconds:g} seconds. Times are milliseconds at the client. A budget that is not kept says so."""]
    for one in measured:
        size = one.size
        stretched = f" Budgets are {size.stretch:g} times those of the smaller base." if size.stretch != 1 else ""
        turns = " and ".join(f"{ms:.0f}" for ms in one.pace)
        stretched = f"A million turns of an empty loop in Python took {turns} ms, before and after.{stretched}"
        parts.append(
            f"## {size.customers:,} customers, {size.deals:,} deals, {size.rows:,} interactions\n{stretched}\n"
            "| Case | p50 | p95 | Budget p50 / p95 | Requests/s at 8 | Budget | Kept |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(_row(r, size.stretch) for r in one.results)
        )
        if one.figures:
            parts.append("| Besides | Measured | Budget | Kept |\n| --- | --- | --- | --- |\n" + "\n".join(map(_figure, one.figures)))
        if one.felt:
            parts.append(_felt(one.felt))
    return "\n\n".join(parts) + "\n"


def _felt(felt: Felt) -> str:
    """Return what a browser on the same cores measured."""
    pages = [
        f"| {p.name} | {p.weight:.1f} | {p.paint:.0f} | {p.slow_paint:.0f} | {p.shift:.4f} | {'yes' if p.holds else 'no'} |" for p in felt.pages
    ]
    typed = [f"| {t.name} | {t.longest:.0f} | {'yes' if t.holds else 'no'} |" for t in felt.typed]
    return "\n".join([
        "### In a browser", "",
        f"Pages as an empty browser meets them: at most {WEIGHT:g} kB with all headers, the largest part of it there within {PAINT:g} ms (also told: with",
        f"a quarter of the processor), nothing moved (less than {SHIFT:g}).", "",
        "| First page | kB | Largest paint, ms | At a quarter | Shift | Kept |", "| --- | --- | --- | --- | --- | --- |", *pages, "",
        f"Forty letters typed: the longest time from a key to the next picture, 0 where none took 16 ms; at most {TYPING:g} ms.", "",
        "| Typed into | ms | Kept |", "| --- | --- | --- |", *typed,
    ])


def _row(r: Result, stretch: float) -> str:
    rate = f"{r.rate:.0f}" if r.rate is not None else "–"
    wanted = f"{r.case.rate / stretch:.0f}" if r.case.rate else "–"
    return (
        f"| {r.case.name} | {r.p50:.1f} | {r.p95:.1f} | {r.case.p50 * stretch:g} / {r.case.p95 * stretch:g} | "
        f"{rate} | {wanted} | {'yes' if r.holds(stretch) else 'no'} |"
    )


def _figure(f: Figure) -> str:
    return f"| {f.name} | {f.value:.1f} {f.unit} | {f.budget:g} {f.unit} | {'yes' if f.holds else 'no'} |"
