"""The pipelines that files of deals bring along: named in the mapping, or told by the stages that the rows name."""

import re
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, allows
from crm.lib.errors import Invalid
from crm.transfer.adapters import Draft
from crm.transfer.engine.links import Found
from crm.transfer.mapping.languages import plain
from crm.transfer.mapping.model import key_of
from sales.models import Pipeline, Stage

HUES = ("slate", "sky", "violet", "amber", "blue", "teal", "apricot", "pink")
MAX_STAGES = 60
_WON = re.compile(r"\b(won|win|gewonnen|gagne|gagnee|ganad[oa]|vint[oa]|ganh[oa]|gewonnen|wygran[ay]|vunnen|vundet|vunnet|voitettu|kazanild\w*|success\w*)\b")
_LOST = re.compile(
    r"\b(lost|loss|verloren|perdue?|perdid[oa]|pers[oa]|przegran[ay]|forlorad|tabt|tapt|havitty|kaybedild\w*|dead|abandoned|rejected|declined|"
    r"cancelled|canceled|disqualified|abgelehnt)\b"
)
_OPEN = re.compile(r"\b(open|offen|ouvert\w*|abiert\w*|apert\w*|abert\w*|in progress|active|aktiv|pending|new|ongoing|otwart\w*|running)\b")
_ORDER = [
    re.compile(words) for words in (
        r"new|lead|inbound|prospect|subscrib|idea|neu|nouveau", r"qualif|contact|appointment|discover|research|first|kontakt",
        r"need|analys|demo|presentation|engag|meeting|evaluat|bedarf", r"proposal|quote|pric|offer|angebot|devis|propuesta|propost",
        r"negotiat|review|decision|verhandl|negoci", r"commit|verbal|contract|vertrag|order",
    )
]


def outcome_of(text: str) -> str:
    """Return which outcome a word means, in the languages of exports; empty for none."""
    word = plain(text)
    if _LOST.search(word):
        return str(Stage.Outcome.LOST)
    if _WON.search(word):
        return str(Stage.Outcome.WON)
    return str(Stage.Outcome.OPEN) if _OPEN.search(word) else ""


def bring_pipelines(planner: Any) -> None:
    """Make the stages of all pipelines known by “pipeline / stage”, and plan the pipelines that are missing."""
    directory = planner.directories.of("stage")
    directory.look_up([])
    for stage in Stage.objects.select_related("pipeline").filter(pipeline__archived_at=None):
        _know(directory, stage.pipeline, stage)
    given = planner.mapping.options.get("pipeline")
    if given:
        _named(planner, given)
        return
    columns = {c.to: c for c in planner.mapping.columns if c.to in ("stage", "pipeline")}
    if "stage" in columns and "pipeline" not in columns and _one_that_has_all(planner):
        return
    if may_make(planner.actor) and any(planner.mapping.choice_for(c) == "create" for c in columns.values()):
        _of_the_file(planner, columns)


def _one_that_has_all(planner: Any) -> bool:
    """Take the names of stages to mean those of one pipeline, if there is one that has all of them."""
    names = {text.casefold() for text, in planner.distinct("stage") if text}
    for pipeline in Pipeline.objects.filter(archived_at=None).order_by("-is_default", "position").prefetch_related("stages"):
        stages = sorted(pipeline.stages.all(), key=lambda s: s.position)
        if names and names <= {n.casefold() for s in stages for n in (s.name, s.code, str(s.pk))}:
            _begin_in(planner, stages)
            return True
    return False


def may_make(actor: Any) -> bool:
    """Tell whether an actor may make pipelines."""
    return actor is SYSTEM or allows(actor, "create", Pipeline)


def stage_of(draft: Draft, planner: Any) -> Stage | None:
    """Return the stage that a draft names, of the pipeline that it names; its value says so afterwards."""
    value = draft.values.get("stage")
    if not isinstance(value, tuple):
        return None
    _column, text = value
    directory = planner.directories.of("stage")
    if not isinstance(text, str):
        return None
    name = _text(draft.values.get("pipeline"))
    found = None
    if name:
        found = directory.get(f"{name} / {text.removesuffix(f'({name})').strip()}")
        if found is not None:
            draft.values["stage"] = found
    found = found or directory.get(text)
    return found.instance if found is not None else None


def _text(value: Any) -> str:
    return str(value[1] if isinstance(value, tuple) else value or "")


def _know(directory: Any, pipeline: Pipeline, stage: Stage, *names: str) -> None:
    """Make a stage known under its pipeline, and as the end that it is."""
    ends = (f":{stage.outcome}",) if stage.outcome != Stage.Outcome.OPEN else ()
    directory.alias(Found(stage.pk, stage.name, stage), *(f"{pipeline.name} / {n}" for n in (stage.name, *names, *ends)))


def _named(planner: Any, given: Any) -> None:
    """Find or plan the one pipeline of the file that the mapping names."""
    if isinstance(given, str):
        given = {"name": given}
    if not isinstance(given, dict) or not str(given.get("name") or "").strip():
        raise Invalid.field("pipeline", _("A pipeline is named: {\"name\": …, \"stages\": […]}."))
    name = str(given["name"]).strip()
    pipeline = Pipeline.objects.filter(name__iexact=name, archived_at=None).first()
    if pipeline is not None:
        stages = list(pipeline.stages.order_by("position"))
    else:
        listed = given.get("stages")
        if not listed:
            listed = _stages_of([text for text, in planner.distinct("stage")])
        if not isinstance(listed, list) or not listed:
            raise Invalid.field("pipeline.stages", _("There is no pipeline “%(name)s”; list its stages to make it.") % {"name": name})
        stages = _planned(planner, name, listed)
    _begin_in(planner, stages)


def _of_the_file(planner: Any, columns: dict[str, Any]) -> None:
    """Plan what is missing of the pipelines and stages that the rows name."""
    known = planner.directories.of("pipeline")
    known.look_up([])
    stages = planner.directories.of("stage")
    of: dict[str, list[str]] = {}
    for pipeline, stage in planner.distinct("pipeline", "stage"):
        of.setdefault(pipeline, []).append(stage.removesuffix(f"({pipeline})").strip() if pipeline else stage)
    for name, names in of.items():
        if not name and all(not n or stages.get(n) is not None for n in names):
            continue
        title = name or _title_of(planner.run.file_name)
        found = known.get(title)
        if found is None:
            made = _planned(planner, title, _stages_of(names))
            if not name:
                _begin_in(planner, made)
            continue
        missing = [n for n in names if n and stages.get(f"{title} / {n}") is None]
        if missing and found.instance is not None:
            taken = set(found.instance.stages.values_list("code", flat=True))
            _plan_stages(planner, found.instance, _stages_of(missing, whole=False), taken, found.instance.stages.count() + 1)


def _begin_in(planner: Any, stages: list[Stage]) -> None:
    """Let the names of the file mean these stages first, and deals without a stage begin in the first of them."""
    directory = planner.directories.of("stage")
    for stage in stages:
        directory.add(Found(stage.pk, stage.name, stage), stage.code)
    first = next((s for s in stages if s.outcome == Stage.Outcome.OPEN), None)
    if first is None:
        raise Invalid.field("pipeline.stages", _("A pipeline needs at least one open stage."))
    planner.builder("deal").based_on(stage=first, pipeline=first.pipeline, probability=first.probability)


def _stages_of(names: Iterable[str], *, whole: bool = True) -> list[dict[str, Any]]:
    """Return the stages that some names make: in the order of a sale, one that wins and one that loses."""
    distinct = list(dict.fromkeys(n.strip() for n in names if n.strip()))
    if len(distinct) > MAX_STAGES:
        raise Invalid.field("pipeline.stages", _("The column of stages names %(count)d different ones; that is no pipeline.") % {"count": len(distinct)})
    ends: dict[str, dict[str, Any]] = {}
    steps: list[tuple[float, int, str]] = []
    for place, name in enumerate(distinct):
        outcome = outcome_of(name)
        if outcome in ("won", "lost") and outcome not in ends:
            ends[outcome] = {"name": name, "outcome": outcome}
        elif outcome in ("won", "lost"):
            ends[outcome].setdefault("also", []).append(name)
        else:
            word = plain(name)
            steps.append((next((float(i) for i, words in enumerate(_ORDER) if words.search(word)), 2.5), place, name))
    if whole:
        ends.setdefault("won", {"name": str(_("Won")), "outcome": "won"})
        ends.setdefault("lost", {"name": str(_("Lost")), "outcome": "lost"})
        steps = steps or [(0.0, 0, str(_("Open")))]
    made: list[dict[str, Any]] = [
        {"name": name, "probability": round(10 + 80 * i / max(len(steps) - 1, 1))} for i, (_rank, _place, name) in enumerate(sorted(steps))
    ]
    return [*made, *(ends[o] for o in ("won", "lost") if o in ends)]


def _planned(planner: Any, name: str, given: list[Any]) -> list[Stage]:
    if not may_make(planner.actor):
        raise Invalid.field("pipeline", _("You may not make pipelines. Choose one that is there, or ask an administrator to make “%(name)s”.") % {"name": name})
    taken = set(Pipeline.objects.values_list("code", flat=True)) | {p.code for p in planner.planned("pipeline")}
    position = Pipeline.objects.count() + 1 + len(planner.planned("pipeline"))
    pipeline: Pipeline = planner.plan_record(
        "pipeline", name, {"name": name[:120], "code": _code(name, taken), "position": position}
    ).instance
    return _plan_stages(planner, pipeline, given, set(), 1)


def _plan_stages(planner: Any, pipeline: Pipeline, given: list[Any], codes: set[str], first: int) -> list[Stage]:
    directory = planner.directories.of("stage")
    stages: list[Stage] = []
    for position, one in enumerate(given, first):
        one = {"name": one} if isinstance(one, str) else one
        outcome = one.get("outcome") or "open"
        if outcome not in Stage.Outcome.values or not one.get("name"):
            raise Invalid.field(f"pipeline.stages.{position - first}", _("A stage has a name, and an outcome open, won or lost."))
        probability = {"won": 100, "lost": 0}.get(outcome, int(one.get("probability", 10)))
        code = _code(str(one["name"]), codes)
        codes.add(code)
        hue = {"won": "green", "lost": "coral"}.get(outcome, HUES[position % len(HUES)])
        found = planner.plan_record(
            "stage", f"{pipeline.name} / {one['name']}",
            {"name": str(one["name"])[:120], "code": code, "position": position, "probability": probability, "outcome": outcome, "hue": hue,
             "pipeline": Found(pipeline.pk, pipeline.name, pipeline)},
            {"pipeline": (pipeline.pk, pipeline)},
        )
        _know(directory, pipeline, found.instance, *one.get("also", ()))
        directory.add(Found(found.id, str(one["name"]), found.instance), *one.get("also", ()))
        stages.append(found.instance)
    return stages


def _title_of(file_name: str) -> str:
    """Return the name of a pipeline that is called like the file."""
    words = " ".join(re.sub(r"[^\w]|_", " ", file_name.rpartition(".")[0] or file_name).split())
    return (words[:1].upper() + words[1:])[:120] or str(_("Pipeline"))


def _code(name: str, taken: set[str]) -> str:
    """Return a free code that looks like the name."""
    base = re.sub(r"[^A-Z0-9_]", "", key_of(name).upper())[:30] or "STAGE"
    code, number = base, 2
    while code in taken:
        code, number = f"{base}_{number}", number + 1
    return code
