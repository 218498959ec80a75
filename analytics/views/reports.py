"""The pages of reports: each number leads to the list that it counted."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, Model, OuterRef
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from analytics.selectors import Scope, activity_report, customer_report, dashboard, sales_report, scope_of
from analytics.selectors.period import PERIODS, every_month, list_url, rows_of
from analytics.selectors.reasons import lost_by_reason
from analytics.selectors.sales import Figures, Group, SalesReport
from communications.models import Interaction
from crm.access.policy import require
from crm.access.rights import rights_of
from crm.accounts.models import User
from crm.lib.errors import Denied, Invalid
from crm.ui.figures import money, number
from crm.ui.figures import month as month_label
from crm.ui.pages import page, render
from customers.models import Customer
from sales.models import Deal
from sales.selectors import pipelines

TOP = 12
_ONE_DAY, _FOUR_DAYS = timedelta(days=1), timedelta(days=4)


@page()
def library(request: HttpRequest) -> HttpResponse:
    """List the reports."""
    rights = rights_of(request.user)
    if not rights.may("view", "report"):
        raise Denied
    return render(request, "analytics/library.html", {"sells": rights.may("view", "deal")})


@page()
def sales(request: HttpRequest) -> HttpResponse:
    """Show the sales report."""
    require(request.user, "view", Deal)
    scope, problem = _scope(request)
    report = sales_report(request.user, scope)
    reasons = []
    for pk, name, n in lost_by_reason(request.user, scope):
        named: dict[str, Any] = {"field": "close_reason", "op": "is", "value": str(pk)} if pk else {"field": "close_reason", "op": "is_empty"}
        listed = scope.criteria({"field": "outcome", "op": "is", "value": "lost"}, named, closed=True)
        reasons.append({"label": name or _("No reason"), "value": n, "display": number(n), "url": list_url("deals", listed), "hue": "coral"})
    context = {**_filters(request, scope, problem, report.as_of), **sales_context(report), "reasons": reasons}
    return render(request, "analytics/sales.html", context, part="report")


@page()
def dashboards(request: HttpRequest) -> HttpResponse:
    """Show the dashboard."""
    require(request.user, "view", Deal)
    scope, problem = _scope(request)
    found = dashboard(request.user, scope)
    return render(
        request, "analytics/dashboard.html",
        {**_filters(request, scope, problem, found.sales.as_of), **sales_context(found.sales), "dashboard": found}, part="report",
    )


@page()
def customers(request: HttpRequest) -> HttpResponse:
    """Show the customers report."""
    scope, problem = _scope(request)
    found = customer_report(request.user, scope)
    statuses = dict(Customer.Status.choices)
    context = {
        "report": found,
        "urls": {
            **{name: list_url(name, scope.owned()) for name in ("customers", "companies")},
            "new": list_url("customers", scope.owned(*_during(scope, "created_at"))),
        },
        "statuses": [
            {"label": statuses.get(name, name), "value": n, "display": number(n), "url": _customers(scope, "status", name)}
            for name, n in found.by_status
        ],
        "sources": [
            {"label": name or _("Unknown"), "value": n, "display": number(n), "url": _customers(scope, "source", name)}
            for name, n in found.by_source
        ],
        "months": [
            {"label": month_label(m), "value": n, "display": number(n),
             "url": list_url("customers", scope.owned(*_during(scope, "created_at"), *_in_month("created_at", m)))}
            for m, n in every_month(found.by_month, 0)
        ],
        "companies": [
            {"label": name, "value": float(value if value is not None else n),
             "display": money(value, found.currency) if value is not None else number(n), "url": f"/companies/{pk}"}
            for pk, name, n, value in found.top_companies
        ],
    }
    return render(request, "analytics/customers.html", {**_filters(request, scope, problem, found.as_of, of=Customer), **context}, part="report")


@page()
def activities(request: HttpRequest) -> HttpResponse:
    """Show the activities report."""
    scope, problem = _scope(request)
    found = activity_report(request.user, scope)
    said = _during(scope, "happened_at")
    context = {
        "report": found,
        "types": [
            {"label": name, "value": n, "display": number(n),
             "url": list_url("interactions", scope.owned({"field": "type", "op": "is", "value": str(code)}, *said, field="user"))}
            for code, name, n in found.by_type
        ],
        "months": [
            {"label": month_label(m), "value": n, "display": number(n),
             "url": list_url("interactions", scope.owned(*said, *_in_month("happened_at", m), field="user"))} for m, n in every_month(found.by_month, 0)
        ],
        "urls": _done_by(scope), "people": [(p, _done_by(scope, p)) for p in found.by_person],
    }
    filters = _filters(request, scope, problem, found.as_of, of=Interaction, whose="user")
    return render(request, "analytics/activities.html", {**filters, **context}, part="report")


def sales_context(report: SalesReport) -> dict[str, Any]:
    """Return the rows of the charts, each with the list behind it."""
    scope, currency = report.scope, report.currency
    nothing = Figures() if report.totals.won_value is not None else Figures(won_value=None, lost_value=None)
    months = every_month(report.by_month, nothing)

    def url(outcome: str, *more: dict[str, Any]) -> str:
        return list_url("deals", scope.criteria({"field": "outcome", "op": "is", "value": outcome}, *more, closed=outcome != "open"))

    def named(field: str, group: Group) -> dict[str, Any]:
        if group.id is None:
            return {"field": field, "op": "is_empty"}
        return {"field": field, "op": "is", "value": str(group.id)}

    def row(label: str, value: Any, count: int, link: str, hue: str = "", *, by_count: bool = False) -> dict[str, Any]:
        shown = f"{number(count)} · {money(value, currency, short=True)}" if value is not None else number(count)
        length = float(count if by_count or value is None else value)
        return {"label": label, "value": length, "display": shown, "url": link, "hue": hue}

    # A pipeline whose open deals have no values yet is drawn by their number.
    by_count = not report.totals.open_value
    stages = []
    for g in report.by_stage:
        f = g.figures
        count, value = {"open": (f.open_count, f.open_value), "won": (f.won_count, f.won_value)}.get(
            g.outcome, (f.lost_count, f.lost_value)
        )
        label = g.name if scope.pipeline or len({s.pipeline for s in report.by_stage}) == 1 else f"{g.pipeline}: {g.name}"
        stages.append(row(label, value, count, url(g.outcome, named("stage", g)), g.hue, by_count=by_count))
    return {
        "report": report, "urls": {
            **{name: url(name) for name in ("open", "won", "lost")},
            "closed": list_url("deals", scope.criteria({"field": "outcome", "op": "is_any_of", "value": ["won", "lost"]}, closed=True)),
        }, "stages": stages,
        "owners": [_line(g, url, named("assigned_user", g), _("Nobody")) for g in report.by_owner],
        "products": [_line(g, url, named("product", g), _("No product")) for g in report.by_product],
        "owner_bars": [
            row(g.name or _("Nobody"), g.figures.won_value, g.figures.won_count, url("won", named("assigned_user", g)))
            for g in report.by_owner if g.figures.won_count
        ][:TOP],
        "product_bars": [
            row(g.name or _("No product"), g.figures.won_value, g.figures.won_count, url("won", named("product", g)))
            for g in report.by_product if g.figures.won_count
        ][:TOP],
        "owner_left": sum(1 for g in report.by_owner if g.figures.won_count) > TOP,
        "product_left": sum(1 for g in report.by_product if g.figures.won_count) > TOP,
        "months": [
            {"label": month_label(month), "value": float(f.won_value or 0), "display": money(f.won_value, currency),
             "url": url("won", {"field": "actual_close_date", "op": "between", "value": [month.isoformat(), _last(month)]})}
            for month, f in months
        ],
        "month_counts": [
            {"label": month_label(month), "values": {"won": f.won_count, "lost": f.lost_count}, "display": f"{f.won_count} / {f.lost_count}",
             "url": list_url("deals", scope.criteria(
                 {"field": "outcome", "op": "is_any_of", "value": ["won", "lost"]},
                 {"field": "actual_close_date", "op": "between", "value": [month.isoformat(), _last(month)]}))}
            for month, f in months
        ],
        "outcome_series": [("won", _("Won")), ("lost", _("Lost"))],
    }


def _line(group: Group, url: Any, clause: dict[str, Any], none: str) -> dict[str, Any]:
    figures: Figures = group.figures
    return {
        "name": group.name or none, "figures": figures,
        "open_url": url("open", clause), "won_url": url("won", clause), "lost_url": url("lost", clause),
    }


def _last(month: Any) -> str:
    following = (month.replace(day=28) + _FOUR_DAYS).replace(day=1)
    return str((following - _ONE_DAY).isoformat())


def _customers(scope: Scope, field: str, value: str) -> str:
    clause = {"field": field, "op": "is", "value": value} if value else {"field": field, "op": "is_empty"}
    return list_url("customers", scope.owned(clause))


def _during(scope: Scope, field: str) -> list[dict[str, Any]]:
    """Return the clauses of the period for a moment."""
    bounds = (("on_or_after", scope.start), ("on_or_before", scope.end))
    return [{"field": field, "op": op, "value": day.isoformat()} for op, day in bounds if day]


def _in_month(field: str, month: Any) -> list[dict[str, Any]]:
    """Return the clauses of a month for a moment."""
    return [{"field": field, "op": "on_or_after", "value": month.isoformat()}, {"field": field, "op": "on_or_before", "value": _last(month)}]


def _done_by(scope: Scope, person: Any = None) -> dict[str, str]:
    """Return the lists behind what was done and is to be done: by everybody, or by one person (or nobody)."""

    def url(plural: str, owner: str, *clauses: dict[str, Any]) -> str:
        whose: list[dict[str, Any]] = []
        if person is not None:
            whose = [{"field": owner, "op": "is", "value": str(person.id)} if person.id else {"field": owner, "op": "is_empty"}]
        return list_url(plural, scope.owned(*clauses, *whose, field=owner))

    is_open = {"field": "status", "op": "is_any_of", "value": ["PENDING", "IN_PROGRESS"]}
    done = {"field": "status", "op": "is", "value": "COMPLETED"}
    return {
        "interactions": url("interactions", "user", *_during(scope, "happened_at")),
        "done": url("tasks", "assigned_user", done, *_during(scope, "completed_at")),
        "open": url("tasks", "assigned_user", is_open),
        "late": url("tasks", "assigned_user", is_open, {"field": "due_date", "op": "before", "value": {"relative": "now"}}),
    }


def _scope(request: HttpRequest) -> tuple[Scope, str]:
    """Read what is asked for; what is not understood is told, and everything is shown."""
    try:
        return scope_of(request.user, request.GET.dict()), ""
    except Invalid as error:
        return Scope(), error.details[0].message if error.details else error.message


def _filters(
    request: HttpRequest, scope: Scope, problem: str, as_of: datetime, *, of: type[Model] = Deal, whose: str = "assigned_user"
) -> dict[str, Any]:
    theirs = rows_of(request.user, of).order_by().filter(**{whose: OuterRef("pk")})
    return {
        "scope": scope, "problem": problem, "as_of": as_of, "periods": PERIODS.items(), "pipelines": pipelines(request.user),
        "owner_choices": User.objects.filter(Exists(theirs)).order_by("sort_key"),
    }
