"""The reports of the API."""

from typing import Any

from analytics.selectors import Scope, activity_report, customer_report, dashboard, sales_report, scope_of
from analytics.selectors.period import PERIODS, api_url
from analytics.selectors.sales import Figures, Group, SalesReport
from crm.api.schema import describe, shapes
from crm.api.schema.operations import Parameter
from crm.api.schema.shapes import integer, listing, moment, nullable, shape, shape_of, text
from crm.api.views import APIView, answer

SCOPE = (
    Parameter("period", shapes.one_of([p for p in PERIODS if p]), "A named period, of the close date."),
    Parameter("from", shapes.date(), "The first day of the period."),
    Parameter("to", shapes.date(), "The last day of the period."),
    Parameter("pipeline", text(max_length=60, min_length=1), "The id or code of a pipeline."),
    Parameter("owner", text(max_length=60, min_length=1), "The id of a person, or “me”."),
)
COUNT, AMOUNT = integer(0), nullable(shapes.decimal("Null when the value of deals is hidden from the caller."))
FIGURES = {
    "open_count": COUNT, "open_value": AMOUNT, "weighted_value": AMOUNT, "won_count": COUNT, "won_value": AMOUNT,
    "lost_count": COUNT, "lost_value": AMOUNT, "win_rate": nullable(shapes.number("Per cent of won and lost.")),
    "average_deal_value": AMOUNT, "average_cycle_days": nullable(shapes.number()),
}
LINKS = shape(open=text(), won=text(), lost=text())
GROUP = {"id": nullable(shapes.uuid()), "name": text()}
PERIOD = shape(**{"from": nullable(shapes.date()), "to": nullable(shapes.date())})
SALES = {
    "currency": text(), "as_of": moment(), "period": PERIOD, "totals": shape_of(FIGURES), "links": LINKS,
    "by_stage": listing(shape_of({**GROUP, "code": text(), "pipeline": text(), "outcome": text(), **FIGURES})),
    "by_owner": listing(shape_of({**GROUP, **FIGURES})),
    "by_product": listing(shape_of({**GROUP, **FIGURES})),
    "by_month": listing(shape_of({"month": shapes.date("The first day of the month."), **FIGURES})),
}
BY_MONTH = listing(shape(month=shapes.date(), count=COUNT))


class SalesReportView(APIView):
    """The sales report."""

    @describe("Read the sales report", parameters=SCOPE, answer=shape_of(SALES), errors=(400, 403), tag="reports",
              description="Closed deals are those of the period; open ones are as of now. Amounts are in the base currency.")
    def get(self, request: Any) -> Any:
        """Answer the report over the deals the caller may see."""
        return answer(sales_dict(sales_report(request.user, _scope(request))))


class DashboardView(APIView):
    """The numbers of the dashboard."""

    @describe(
        "Read the dashboard", parameters=SCOPE, errors=(400, 403), tag="reports",
        answer=shape_of({
            **SALES, "customers": COUNT, "new_customers": COUNT, "companies": COUNT, "tasks_open": COUNT,
            "tasks_overdue": COUNT, "tasks_due_today": COUNT, "interactions": COUNT,
        }),
        description="The sales report, and what is due and new. New customers and interactions are those of 30 days.",
    )
    def get(self, request: Any) -> Any:
        """Answer the numbers over what the caller may see."""
        found = dashboard(request.user, _scope(request))
        names = ("customers", "new_customers", "companies", "tasks_open", "tasks_overdue", "tasks_due_today", "interactions")
        return answer({**sales_dict(found.sales), **{name: getattr(found, name) for name in names}})


class CustomerReportView(APIView):
    """The customers report."""

    @describe(
        "Read the customers report", parameters=SCOPE, errors=(400, 403), tag="reports",
        answer=shape_of({
            "currency": text(), "as_of": moment(), "period": PERIOD, "customers": COUNT, "companies": COUNT,
            "new_customers": COUNT, "by_status": listing(shape(status=text(), count=COUNT)),
            "by_source": listing(shape(source=text(), count=COUNT)), "new_by_month": BY_MONTH,
            "top_companies": listing(shape_of({**GROUP, "won_count": COUNT, "won_value": AMOUNT})),
        }),
    )
    def get(self, request: Any) -> Any:
        """Answer the report over the customers the caller may see."""
        found = customer_report(request.user, _scope(request))
        return answer({
            "currency": found.currency, "as_of": found.as_of, "period": _period(found.scope),
            "customers": found.customers, "companies": found.companies, "new_customers": found.new_customers,
            "by_status": [{"status": name, "count": n} for name, n in found.by_status],
            "by_source": [{"source": name, "count": n} for name, n in found.by_source],
            "new_by_month": _months(found.by_month),
            "top_companies": [
                {"id": pk, "name": name, "won_count": n, "won_value": _amount(value)}
                for pk, name, n, value in found.top_companies
            ],
        })


class ActivityReportView(APIView):
    """The activities report."""

    @describe(
        "Read the activities report", parameters=SCOPE, errors=(400, 403), tag="reports",
        answer=shape_of({
            "as_of": moment(), "period": PERIOD, "interactions": COUNT, "tasks_completed": COUNT, "tasks_open": COUNT,
            "tasks_overdue": COUNT, "on_time": nullable(shapes.number("Per cent of completed tasks with a due date.")),
            "by_type": listing(shape(type=text(), name=text(), count=COUNT)), "interactions_by_month": BY_MONTH,
            "by_person": listing(shape_of({
                **GROUP, "interactions": COUNT, "tasks_completed": COUNT, "tasks_open": COUNT, "tasks_overdue": COUNT,
            })),
        }),
    )
    def get(self, request: Any) -> Any:
        """Answer the report over the tasks and interactions the caller may see."""
        found = activity_report(request.user, _scope(request))
        return answer({
            "as_of": found.as_of, "period": _period(found.scope), "interactions": found.interactions,
            "tasks_completed": found.tasks_completed, "tasks_open": found.tasks_open,
            "tasks_overdue": found.tasks_overdue, "on_time": found.on_time,
            "by_type": [{"type": code, "name": name, "count": n} for code, name, n in found.by_type],
            "interactions_by_month": _months(found.by_month),
            "by_person": [
                {"id": p.id, "name": p.name, "interactions": p.interactions, "tasks_completed": p.tasks_completed,
                 "tasks_open": p.tasks_open, "tasks_overdue": p.tasks_overdue} for p in found.by_person
            ],
        })


def sales_dict(report: SalesReport) -> dict[str, Any]:
    """Return a sales report as the API shows it."""
    scope = report.scope
    return {
        "currency": report.currency, "as_of": report.as_of, "period": _period(scope),
        "totals": _figures(report.totals),
        "links": {
            name: api_url("deals", scope.criteria({"field": "outcome", "op": "is", "value": name}, closed=name != "open"))
            for name in ("open", "won", "lost")
        },
        "by_stage": [
            {**_group(g), "code": g.code, "pipeline": g.pipeline, "outcome": g.outcome, **_figures(g.figures)}
            for g in report.by_stage
        ],
        "by_owner": [{**_group(g), **_figures(g.figures)} for g in report.by_owner],
        "by_product": [{**_group(g), **_figures(g.figures)} for g in report.by_product],
        "by_month": [{"month": month, **_figures(figures)} for month, figures in report.by_month],
    }


def _scope(request: Any) -> Scope:
    return scope_of(request.user, request.query_params.dict())


def _group(group: Group) -> dict[str, Any]:
    return {"id": group.id, "name": group.name}


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "open_count": figures.open_count, "open_value": _amount(figures.open_value),
        "weighted_value": _amount(figures.weighted_value), "won_count": figures.won_count,
        "won_value": _amount(figures.won_value), "lost_count": figures.lost_count,
        "lost_value": _amount(figures.lost_value), "win_rate": figures.win_rate,
        "average_deal_value": _amount(figures.average_deal), "average_cycle_days": figures.average_cycle_days,
    }


def _amount(value: Any) -> str | None:
    return None if value is None else f"{value:.2f}"


def _period(scope: Scope) -> dict[str, Any]:
    return {"from": scope.start, "to": scope.end}


def _months(rows: list[tuple[Any, int]]) -> list[dict[str, Any]]:
    return [{"month": month, "count": n} for month, n in rows]
