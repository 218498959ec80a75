"""The check: what would become of every row, decided once and kept, so that the run only carries it out."""

import gc
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, allows
from crm.lib.ids import uuid7
from crm.lib.text import in_sentence
from crm.records.entity import entity
from crm.records.fields import Kind
from crm.records.models import Tag
from crm.transfer.adapters import Draft, adapter_for
from crm.transfer.engine.build import Builder
from crm.transfer.engine.cells import CellReader, Skip
from crm.transfer.engine.circles import refuse_circles
from crm.transfer.engine.links import Directories, Found, Unresolved
from crm.transfer.engine.matching import Matcher, Target
from crm.transfer.engine.staging import copy_rows, create_plan, plan_rows, staged_chunks
from crm.transfer.mapping.model import Column, Mapping
from crm.transfer.models import ImportRun
from crm.transfer.readers import Row

KEPT_OBJECTS = 500
COLLECT_EVERY = 10
PLAN_COLUMNS = ["number", "part", "entity", "action", "target", "state", "extra", "errors"]


class Planner:
    """One check of one run."""

    def __init__(self, run: ImportRun, mapping: Mapping, fields: dict[str, Any], headers: list[str], actor: Any) -> None:
        self.run = run
        self.mapping = mapping
        self.actor = actor
        self.fields = fields
        self.entity = entity(run.entity)
        self.adapter = adapter_for(run.entity)
        self.directories = Directories(actor, mapping.system)
        self.builders: dict[str, Builder] = {}
        self.headers = frozenset(headers)
        self.cells = CellReader(self.entity, self.adapter, mapping, headers, fields)
        self.matcher = Matcher(self.entity, self.adapter, mapping, fields, actor)
        self.matcher.run = run
        self.rules = {c.to: c.rule for c in mapping.columns if c.to}
        self.unresolved: dict[str, Unresolved] = {}
        self.counts: Counter[str] = Counter()
        self.also: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.first_errors: list[dict[str, Any]] = []
        self.trashed = 0
        self.trashed_rows: list[dict[str, Any]] = []
        self._tags: dict[str, str] = {}
        self._may_create: dict[str, bool] = {}
        self._extra_rows: list[tuple[Any, ...]] = []
        self._part = 0
        self._number = 0
        self._in_file: dict[str, tuple[uuid.UUID, int]] = {}
        self._parents: dict[uuid.UUID, tuple[uuid.UUID, int]] = {}
        self._targets = {
            key: "user" if f.kind == Kind.USER else f.link for key, f in fields.items() if f.kind in (Kind.LINK, Kind.USER)
        }
        self._self_links = {c.to for c in mapping.columns if (f := fields.get(c.to)) and f.kind == Kind.LINK and f.link == run.entity and not f.custom}

    # -- for adapters -----------------------------------------------------------------------------

    def builder(self, name: str) -> Builder:
        """Return the builder of an entity."""
        if name not in self.builders:
            declared = entity(name)
            writable = self.fields if name == self.run.entity else declared.writable_fields(self.actor)
            self.builders[name] = Builder(declared, adapter_for(name), writable, self.actor)
        return self.builders[name]

    def plan_record(self, name: str, title: str, values: dict[str, Any], linked: dict[str, tuple[Any, Any]] | None = None) -> Found:
        """Plan a record of another entity that rows need, and make it known under its title."""
        draft = Draft(self._number, values=dict(values))
        builder = self.builder(name)
        obj = builder.new(draft, linked or {})
        if draft.problems:
            raise ValueError("; ".join(f"{h}: {m}" for h, _value, m in draft.problems))
        # Of tens of thousands of companies their ids are enough, and a tenth of the memory.
        found = Found(obj.pk, title, obj if self.also[name] < KEPT_OBJECTS else None, planned=True)
        self.directories.of(name).add(found)
        self._part = self._part % 30_000 + 1
        self._extra_rows.append((self._number, self._part, name, "create", obj.pk, builder.state(obj), None, None))
        self.also[name] += 1
        return found

    def put(self, draft: Draft, key: str, text: str) -> None:
        """Give a draft a value as if a cell had said it."""
        f = self.fields.get(key)
        if f is None:
            return
        if f.kind in (Kind.LINK, Kind.USER):
            draft.values[key] = (Column(key, key), text)
        else:
            self.cells.put(draft, f, text)

    # -- the whole --------------------------------------------------------------------------------

    def plan(self, progress: Callable[[int], None]) -> None:
        """Decide every row and fill the plan."""
        create_plan(self.run)
        self.adapter.prepare(self)
        self._flush([])
        if self._self_links:
            self._read_titles()
        for position, chunk in enumerate(staged_chunks(self.run), 1):
            if position % COLLECT_EVERY == 0:
                gc.collect()
            self._flush(self._plan_chunk(chunk))
            progress(chunk[-1].number)
        circles = refuse_circles(self.run, self._parents)
        self.counts["error"] += circles
        self.counts["create"] -= circles

    def decide_again(self, row: Row) -> tuple[str, list[dict[str, Any]]]:
        """Return what would become of one mended row, and what is still wrong with it. The plan stays as it is."""
        self.adapter.prepare(self)
        if self._self_links:
            self._read_titles()
        rows = self._plan_chunk([row])
        return rows[-1][3], [{k: v for k, v in e.items() if k != "row"} for e in self.first_errors]

    def _plan_chunk(self, chunk: list[Row]) -> list[tuple[Any, ...]]:
        """Return what is decided of some rows."""
        drafts: list[Draft] = []
        rows: list[tuple[Any, ...]] = []
        for row in chunk:
            try:
                draft = self.cells.draft(row)
                if not draft.problems:
                    self._number = row.number
                    self.adapter.complete(draft, self)
                drafts.append(draft)
            except Skip as reason:
                self.skipped[str(reason)] += 1
                self.counts["skip"] += 1
                rows.append((row.number, 0, self.run.entity, "skip", None, None, None, None))
        self._look_up(drafts)
        for draft in drafts:
            self._link_tags(draft)
        self.matcher.begin(drafts)
        pending = self._pending_states(drafts)
        rows.extend(self._decide(draft, pending) for draft in drafts)
        return rows

    def _flush(self, rows: list[tuple[Any, ...]]) -> None:
        copy_rows(self.run.plan_table, PLAN_COLUMNS, [*self._extra_rows, *rows])
        self._extra_rows = []

    def _read_titles(self) -> None:
        """Know every title of the file beforehand: a row may name one that stands below it as its parent."""
        for chunk in staged_chunks(self.run):
            for row in chunk:
                try:
                    draft = self.cells.draft(row)
                except Skip:
                    continue
                title = str(draft.values.get(self.entity.title[0]) or "")
                for name in (title, *draft.external):
                    if name and not draft.problems:
                        self._in_file.setdefault(self.matcher.folded(name), (uuid7(), row.number))
                        if name != title:
                            self._in_file[self.matcher.folded(name)] = self._in_file[self.matcher.folded(title or name)]
        for counter in (self.cells.ambiguous, self.cells.blank):
            counter.clear()
        self.cells.choices.clear()

    # -- links ------------------------------------------------------------------------------------

    def _look_up(self, drafts: list[Draft]) -> None:
        wanted: dict[str, set[str]] = {}
        for draft in drafts:
            for key, value in draft.values.items():
                if key in self._targets:
                    text = value[1] if isinstance(value, tuple) else value
                    if isinstance(text, str):
                        wanted.setdefault(self._targets[key], set()).add(text)
        for name, texts in wanted.items():
            self.directories.of(name).look_up(texts)

    def _links(self, draft: Draft) -> dict[str, tuple[Any, Any]]:
        """Resolve a draft's links; what stands for nothing is counted and settled as the column says."""
        linked: dict[str, tuple[Any, Any]] = {}
        for key, value in draft.values.items():
            if key not in self._targets:
                continue
            if isinstance(value, Found):
                linked[key] = (value.id, value.instance)
                continue
            f, target = self.fields[key], self._targets[key]
            column, text = value if isinstance(value, tuple) else (Column(key, key), value)
            make = isinstance(text, dict)
            if make:
                text = str(text.get("title") or "")
            found = self.directories.of(target).get(str(text))
            if found is None and target == self.run.entity and (mine := self._in_file.get(self.matcher.folded(str(text)))):
                draft.values[key] = Found(mine[0], str(text))
                linked[key] = (None, None)
                draft.later[key] = mine
                continue
            if found is None:
                found = self._settle(draft, column, f, target, str(text), make)
            if found is not None:
                if target == "user" and found.instance is not None and not found.instance.is_active:
                    draft.warnings.append((column.header, str(text), _("%(name)s is deactivated.") % {"name": text}))
                linked[key] = (found.id, found.instance)
        return linked

    def _settle(self, draft: Draft, column: Column, f: Any, target: str, text: str, make: bool) -> Found | None:
        waiting = self.unresolved.setdefault(column.header, Unresolved(column.header, f.key, target))
        choice = "create" if make else column.unresolved
        if choice == "ask" and f.find_or_make:
            choice = "create"
        if choice == "create" and target != "user" and self._creatable(target):
            try:
                return self.plan_record(target, text, self._minimal(target, text))
            except ValueError as error:
                draft.problems.append((column.header, text, str(error)))
                return None
        waiting.add(text)
        if choice == "skip":
            raise Skip(_("“%(value)s” in “%(header)s”") % {"value": text, "header": column.header})
        if choice == "leave":
            draft.notes.append(f"{column.header}: {text}")
            return None
        draft.problems.append((
            column.header, text,
            _("There is no %(what)s called “%(value)s”.") % {"what": in_sentence(entity(target).label), "value": text[:80]},
        ))
        return None

    def _creatable(self, target: str) -> bool:
        if target not in self._may_create:
            declared = entity(target)
            self._may_create[target] = self.actor is SYSTEM or allows(self.actor, "create", declared.model)
        return self._may_create[target]

    def _minimal(self, target: str, text: str) -> dict[str, Any]:
        title = entity(target).title
        if len(title) == 1:
            return {title[0]: text[:200]}
        if "@" in text:
            return {"email": text, title[-1]: text.partition("@")[0]}
        first, _blank, last = text.rpartition(" ")
        return {title[0]: first, title[1]: last}

    def _link_tags(self, draft: Draft) -> None:
        """Replace tag names by ids; new tags are planned."""
        if not draft.tags:
            return
        if not self._tags:
            self._tags = {name.lower(): str(pk) for pk, name in Tag.objects.values_list("pk", "name")}
        ids = []
        for name in dict.fromkeys(draft.tags):
            self._number = draft.number
            if name.lower() not in self._tags:
                self._tags[name.lower()] = str(self.plan_record("tag", name, {"name": name[:60]}).id)
            ids.append(self._tags[name.lower()])
        draft.tags = list(dict.fromkeys(ids))

    # -- rows -------------------------------------------------------------------------------------

    def _pending_states(self, drafts: list[Draft]) -> dict[int, tuple[Any, ...]]:
        """Read what earlier chunks decided for records that these rows meet again."""
        numbers = sorted({n for d in drafts if (n := self.matcher.earlier(d)) is not None})
        return {row[0]: row for row in plan_rows(self.run, numbers)} if numbers else {}

    def _decide(self, draft: Draft, pending: dict[int, tuple[Any, ...]]) -> tuple[Any, ...]:
        self._number = draft.number
        builder = self.builder(self.run.entity)
        try:
            draft_target = self.matcher.target(draft, pending, builder)
            if draft_target.refusal:
                draft.problems.append(draft_target.refusal)
            linked = self._links(draft)
        except Skip as reason:
            self.skipped[str(reason)] += 1
            self.counts["skip"] += 1
            return (draft.number, 0, self.run.entity, "skip", None, None, None, None)
        if draft_target.trashed is not None and not draft.problems:
            self._from_trash(draft, draft_target)
        if draft_target.trashed is not None and self.mapping.trash == "skip" and not draft.problems:
            self.counts["skip"] += 1
            self.skipped[_("its record is in the trash")] += 1
            return (draft.number, 0, self.run.entity, "skip", None, None, None, None)
        if draft_target.obj is None:
            return self._create(draft, linked, builder)
        return self._update(draft, draft_target, linked, builder)

    def _from_trash(self, draft: Draft, target: Target) -> None:
        """Do with a row whose record is in the trash what was chosen for all of them, or ask."""
        self.trashed += 1
        if len(self.trashed_rows) < 20:
            self.trashed_rows.append({"row": draft.number, "record": str(target.trashed)})
        if self.mapping.trash == "ask":
            draft.problems.append(("", "", _("“%(name)s” is in the trash: restore it, create a new one, or skip the row?") % {"name": target.trashed}))
        elif self.mapping.trash == "restore":
            target.obj = target.trashed

    def _create(self, draft: Draft, linked: dict[str, tuple[Any, Any]], builder: Builder) -> tuple[Any, ...]:
        if self.mode == "update" and not draft.problems:
            draft.problems.append(("", "", _("No record matches this row, and the mapping only updates.")))
        if draft.problems:
            return self._error(draft)
        title = str(draft.values.get(self.entity.title[0]) or "")
        mine = self._in_file.get(self.matcher.folded(title)) if self._in_file else None
        obj = builder.new(draft, linked, pk=mine[0] if mine and mine[1] == draft.number else None)
        later = self._later(draft, builder)
        if not draft.problems and self.matcher.same_file(draft):
            self.counts["skip"] += 1
            self.skipped[_("already there: this very file was imported before")] += 1
            return (draft.number, 0, self.run.entity, "skip", None, None, None, None)
        if draft.problems:
            return self._error(draft)
        for parent, _row in later.values():
            self._parents[obj.pk] = (uuid.UUID(parent), draft.number)
        self.matcher.remember(draft, obj)
        self.counts["create"] += 1
        return (draft.number, 0, self.run.entity, "create", obj.pk, builder.state(obj), self._extras(draft, later), None)

    def _update(self, draft: Draft, target: Target, linked: dict[str, tuple[Any, Any]], builder: Builder) -> tuple[Any, ...]:
        if self.mode == "create":
            self.counts["skip"] += 1
            self.skipped[_("already there")] += 1
            return (draft.number, 0, self.run.entity, "skip", target.obj.pk, None, None, None)
        if draft.problems:
            return self._error(draft)
        obj = target.obj
        version = getattr(obj, "version", None)
        later = self._later(draft, builder)
        changes = builder.change(obj, draft, linked, self.rules)
        if draft.problems:
            return self._error(draft)
        extras = self.matcher.new_extras(draft, target)
        later = {a: v for a, v in later.items() if str(getattr(obj, a)) != v[0]}
        if target.trashed is not None:
            obj.deleted_at = changes["deleted_at"] = None
        if not changes and not extras and not later:
            self.counts["skip"] += 1
            self.skipped[_("the same as an earlier row of the file") if target.number else _("already there")] += 1
            return (draft.number, 0, self.run.entity, "skip", obj.pk, None, None, None)
        state: dict[str, Any] = {"set": changes, "version": version}
        if version is not None:
            obj.version = version + 1
        if target.number:
            state["all"] = orjson.loads(builder.state(obj))
        self.matcher.touch(draft, obj, target.extras)
        if later:
            extras["later"] = later
        self.counts["update"] += 1
        return (
            draft.number, 0, self.run.entity, "update", obj.pk, orjson.dumps(state, default=str).decode(),
            orjson.dumps(extras, default=str).decode() if extras else None, None,
        )

    @staticmethod
    def _later(draft: Draft, builder: Builder) -> dict[str, list[Any]]:
        return {f"{builder.fields[k].source}_id": [str(pk), row] for k, (pk, row) in draft.later.items()}

    @property
    def mode(self) -> str:
        """Return whether rows may create, update, or both."""
        return self.mapping.mode

    def _extras(self, draft: Draft, later: dict[str, Any]) -> str | None:
        made: dict[str, Any] = {k: v for k, v in draft.children.items() if v}
        if draft.tags:
            made["tags"] = draft.tags
        if draft.notes:
            made["notes"] = draft.notes
        if draft.external:
            made["external"] = draft.external
        if later:
            made["later"] = later
        return orjson.dumps(made, default=str).decode() if made else None

    def _error(self, draft: Draft) -> tuple[Any, ...]:
        self.counts["error"] += 1
        errors = [{"column": self._header_of(h), "value": v[:200], "message": m} for h, v, m in draft.problems]
        if len(self.first_errors) < 100:
            self.first_errors.extend({"row": draft.number, **e} for e in errors)
        return (draft.number, 0, self.run.entity, "error", None, None, None, orjson.dumps(errors).decode())

    def _header_of(self, name: str) -> str:
        """Return the file's own name for what a rule calls by the field's name or label."""
        if name in self.headers or not name:
            return name
        for column in self.mapping.columns:
            f = self.fields.get(column.to)
            if column.header in self.headers and (column.to == name or (f is not None and str(f.label) == name)):
                return column.header
        return name
