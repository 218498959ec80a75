"""The settings of pipelines: their stages, what each asks for, and why deals end."""

import uuid
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import allows, require, visible_to
from crm.accounts.models import User
from crm.lib.errors import Invalid, Missing, Refusal
from crm.records.entity import entity
from crm.records.fields import HUE_CHOICES
from crm.records.services import create_record, update_record
from crm.ui.pages import page, problems_of, redirect_to, render, toast
from sales.models import Deal, LossReason, Pipeline, Stage
from sales.selectors import base_currency
from sales.services.goals import set_goals
from sales.services.pipelines import archive_pipeline, create_pipeline, remove_stage, save_stages

STAGE_FIELDS = ("name", "position", "probability", "rotting_days", "work_limit", "hue")
EMPTY_IS_NONE = ("rotting_days", "work_limit")
NOT_ASKED_FOR = ("stage", "pipeline", "currency", "is_active", "probability", "tags", "outcome")


@page("GET POST")
def index(request: HttpRequest) -> HttpResponse:
    """List the pipelines and the reasons; make new ones."""
    require(request.user, "view", Pipeline)
    problems: dict[str, list[str]] = {}
    if request.method == "POST":
        require(request.user, "create", Pipeline)
        try:
            if request.POST.get("what") == "goals":
                amounts = {u.pk: request.POST.get(f"goal.{u.pk}", "").strip() for u in _sellers()}
                set_goals(amounts=amounts, actor=request.user)
                toast(request, _("Goals saved"))
                return redirect_to(request, "/settings/pipelines")
            if request.POST.get("what") == "reason":
                outcome = "won" if request.POST.get("outcome") == "won" else "lost"
                create_record(of="loss_reason", actor=request.user, data={"name": request.POST.get("name", ""), "outcome": outcome})
                toast(request, _("Reason added"))
                return redirect_to(request, "/settings/pipelines")
            made = create_pipeline(name=request.POST.get("name", ""), actor=request.user)
            toast(request, _("Pipeline created"))
            return redirect_to(request, f"/settings/pipelines/{made.pk}")
        except Invalid as error:
            problems = problems_of(error)
        except Refusal as error:
            problems = {"": [str(error.message)]}
    return render(request, "sales/pipelines.html", {
        "pipelines": visible_to(request.user, Pipeline).prefetch_related("stages")
        .annotate(open_deals=Count("deals", filter=Q(deals__outcome="open", deals__deleted_at=None))),
        "reasons": LossReason.objects.all(),
        "may_manage": allows(request.user, "change", Pipeline), "currency": base_currency(),
        "sellers": [(u, request.POST.get(f"goal.{u.pk}", getattr(getattr(u, "goal", None), "amount", ""))) for u in _sellers()],
        "problems": problems, "asked": request.POST.get("what", ""), "name": request.POST.get("name", ""),
    }, status=422 if problems else 200)


def _sellers() -> Any:
    """Return the people who own deals or have a goal."""
    owners = Q(pk__in=Deal.objects.order_by().values("assigned_user").distinct()) | Q(goal__isnull=False)
    return User.objects.active().filter(owners).select_related("goal").order_by("sort_key")[:200]


@page("GET POST")
def edit(request: HttpRequest, pipeline_id: uuid.UUID) -> HttpResponse:
    """Show a pipeline with its stages, and change them."""
    pipeline = _pipeline(request, pipeline_id)
    require(request.user, "change", pipeline)
    problems: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            if request.POST.get("remove"):
                _remove(request, pipeline)
            else:
                _save(request, pipeline)
            toast(request, _("Pipeline saved"))
            return redirect_to(request, f"/settings/pipelines/{pipeline.pk}")
        except Invalid as error:
            problems = problems_of(error)
        except Refusal as error:
            problems = {"": [str(error.message)]}
    return _edit_page(request, pipeline, problems)


@page("POST")
def archive(request: HttpRequest, pipeline_id: uuid.UUID) -> HttpResponse:
    """Put a pipeline away."""
    pipeline = _pipeline(request, pipeline_id)
    try:
        archive_pipeline(pipeline=pipeline, replacement=_stage(request.POST.get("replacement")), actor=request.user)
    except Invalid as error:
        return _edit_page(request, pipeline, problems_of(error))
    toast(request, _("Pipeline put away"))
    return redirect_to(request, "/settings/pipelines")


def _edit_page(request: HttpRequest, pipeline: Pipeline, problems: dict[str, list[str]]) -> HttpResponse:
    stages = list(pipeline.stages.annotate(standing=Count("deals", filter=Q(deals__deleted_at=None))).order_by("position"))
    askable = [
        (key, f.label) for key, f in entity("deal").all_fields().items()
        if f.writable and not f.computed and f.in_form and key not in NOT_ASKED_FOR
    ]
    return render(request, "sales/pipeline.html", {
        "pipeline": pipeline, "stages": stages, "hues": HUE_CHOICES, "askable": askable, "problems": problems,
        "elsewhere": Stage.objects.filter(outcome="open", pipeline__archived_at=None).exclude(pipeline=pipeline)
        .select_related("pipeline"),
    }, status=422 if problems else 200)


def _save(request: HttpRequest, pipeline: Pipeline) -> None:
    name = request.POST.get("name", pipeline.name)
    data: dict[str, Any] = {"name": name, "description": request.POST.get("description", "")}
    if request.POST.get("is_default") and not pipeline.is_default:
        data["is_default"] = True
    update_record(obj=pipeline, data=data, actor=request.user)
    stages = {}
    for stage in pipeline.stages.all():
        key = str(stage.pk)
        if f"{key}.name" in request.POST:
            stages[stage.pk] = {f: _value(f, request.POST.get(f"{key}.{f}")) for f in STAGE_FIELDS if f"{key}.{f}" in request.POST}
            stages[stage.pk]["required_fields"] = request.POST.getlist(f"{key}.required_fields")
    new = None
    if request.POST.get("new.name", "").strip():
        new = {"name": request.POST["new.name"], "probability": request.POST.get("new.probability") or 0}
    save_stages(pipeline=pipeline, stages=stages, new=new, actor=request.user)


def _remove(request: HttpRequest, pipeline: Pipeline) -> None:
    stage = _stage(request.POST.get("remove"))
    if stage is None or stage.pipeline_id != pipeline.pk:
        raise Missing
    remove_stage(stage=stage, replacement=_stage(request.POST.get(f"{stage.pk}.replacement")), actor=request.user)


def _value(name: str, text: str | None) -> Any:
    return None if name in EMPTY_IS_NONE and not text else text


def _pipeline(request: HttpRequest, pk: uuid.UUID) -> Pipeline:
    found = visible_to(request.user, Pipeline).filter(pk=pk).first()
    if found is None:
        raise Missing
    return found


def _stage(text: str | None) -> Stage | None:
    try:
        return Stage.objects.select_related("pipeline").filter(pk=uuid.UUID(text)).first() if text else None
    except ValueError:
        return None
