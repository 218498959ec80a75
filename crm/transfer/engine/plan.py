"""The check: what would become of every row, decided once and kept, so that the run only carries it out."""

import gc
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
from django.utils.translation import gettext as _

from crm.records.entity import entity
from crm.records.fields import Kind
from crm.transfer.adapters import Draft, adapter_for
from crm.transfer.engine.build import Builder
from crm.transfer.engine.cells import CellReader, Skip
from crm.transfer.engine.circles import refuse_circles
from crm.transfer.engine.evidence import readings
from crm.transfer.engine.links import Directories, Found
from crm.transfer.engine.matching import Matcher, Target
from crm.transfer.engine.places import Places
from crm.transfer.engine.resolving import Resolver
from crm.transfer.engine.staging import copy_rows, create_plan, plan_rows, query, staged_chunks
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
        self.places = Places(self.entity, self.adapter, mapping, fields, headers)
        self.headers_in_order = headers
        self.readings = readings(run, mapping, fields)
        self.cells = CellReader(self.entity, self.adapter, mapping, headers, fields, self.readings)
        self.matcher = Matcher(self.entity, self.adapter, mapping, fields, actor, run.report.get("rows", 0))
        self.matcher.run = run
        self.rules = {c.to: c.rule for c in mapping.columns if c.to}
        self.counts: Counter[str] = Counter()
        self.also: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.first_errors: list[dict[str, Any]] = []
        self.first_waiting: list[dict[str, Any]] = []
        """Errors of rows that an open question holds up."""
        self.waiting = 0
        self.errors_of: dict[str, dict[str, Any]] = {}
        """By column: how many rows fail there, the first of them, and why it does."""
        self.trashed = 0
        self.trashed_rows: list[dict[str, Any]] = []
        self._extra_rows: list[tuple[Any, ...]] = []
        self._part = 0
        self._number = 0
        self._cells: dict[int, list[str]] = {}
        """What the rows of this chunk say."""
        self._parents: dict[uuid.UUID, tuple[uuid.UUID, int]] = {}
        self._suspects: dict[uuid.UUID, str] = {}
        """What only rows that are not written have asked for so far."""
        self._needs: dict[uuid.UUID, list[uuid.UUID]] = {}
        self.resolver = Resolver(self)

    # -- for adapters -----------------------------------------------------------------------------

    def builder(self, name: str) -> Builder:
        """Return the builder of an entity."""
        if name not in self.builders:
            declared = entity(name)
            writable = self.fields if name == self.run.entity else declared.writable_fields(self.actor)
            self.builders[name] = Builder(declared, adapter_for(name), writable, self.actor)
        return self.builders[name]

    def plan_record(
        self, name: str, title: str, values: dict[str, Any], linked: dict[str, tuple[Any, Any]] | None = None, number: int | None = None
    ) -> Found:
        """Plan a record of another entity that rows need, and make it known under its title."""
        number = self._number if number is None else number
        draft = Draft(number, values=dict(values))
        builder = self.builder(name)
        obj = builder.new(draft, linked or {})
        if draft.problems:
            raise ValueError("; ".join(f"{h}: {m}" for h, _value, m in draft.problems))
        # Of tens of thousands of companies their ids are enough, and a tenth of the memory.
        found = Found(obj.pk, title, obj if self.also[name] < KEPT_OBJECTS else None, planned=True)
        self.directories.of(name).add(found)
        self._part = self._part % 30_000 + 1
        self._extra_rows.append((number, self._part, name, "create", obj.pk, builder.state(obj), None, None))
        self.also[name] += 1
        if linked:
            self._needs[obj.pk] = [pk for pk, _instance in linked.values() if pk]
        return found

    def planned(self, name: str) -> list[Any]:
        """Return the objects of an entity that were planned so far, as far as they are kept."""
        return [f.instance for f in {f.id: f for f in self.directories.of(name).known.values() if f is not None and f.planned}.values() if f.instance]

    def distinct(self, *keys: str) -> list[tuple[str, ...]]:
        """Return what the columns of some fields say, each combination once, in the order of the file."""
        columns = [next((c for c in self.mapping.columns if c.to == key and c.header in self.headers), None) for key in keys]
        parts = ", ".join("''" if c is None else "coalesce(btrim(c ->> %s), '')" for c in columns)
        rows = query(
            f"SELECT {parts} FROM (SELECT number, cells::jsonb AS c FROM {{t}} OFFSET 0) s GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))} "
            "ORDER BY min(number) LIMIT 1000", self.run.staging_table, [self.headers_in_order.index(c.header) for c in columns if c is not None],
        )
        found = []
        for row in rows:
            texts = [c.values.get(text, text) if c is not None else "" for c, text in zip(columns, row, strict=True)]
            found.append(tuple(t if isinstance(t, str) else "" for t in texts))
        return list(dict.fromkeys(found))

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
        if self.resolver.self_links:
            self.resolver.read_titles()
        for position, chunk in enumerate(staged_chunks(self.run), 1):
            if position % COLLECT_EVERY == 0:
                gc.collect()
            self._flush(self._plan_chunk(chunk))
            progress(chunk[-1].number)
        self._forget_suspects()
        self._refuse_circles()

    def _refuse_circles(self) -> None:
        link = next((c.header for c in self.mapping.columns if c.to in self.resolver.self_links and c.header in self.headers), "")
        for error in refuse_circles(self.run, self._parents, lambda cells: (link, self.places.cell(link, cells))):
            self.counts["error"] += 1
            self.counts["create"] -= 1
            self._tell(error["row"], [{k: v for k, v in error.items() if k != "row"}], self.first_errors)

    def decide_again(self, row: Row) -> tuple[str, list[dict[str, Any]]]:
        """Return what would become of one mended row, and what is still wrong with it. The plan stays as it is."""
        self.adapter.prepare(self)
        if self.resolver.self_links:
            self.resolver.read_titles()
        rows = self._plan_chunk([row])
        return rows[-1][3], [{k: v for k, v in e.items() if k != "row"} for e in (*self.first_errors, *self.first_waiting)]

    def _plan_chunk(self, chunk: list[Row]) -> list[tuple[Any, ...]]:
        """Return what is decided of some rows."""
        drafts: list[Draft] = []
        rows: list[tuple[Any, ...]] = []
        self._cells = {row.number: row.cells for row in chunk}
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
        self.resolver.look_up(drafts)
        for draft in drafts:
            self.resolver.link_tags(draft)
        self.matcher.begin(drafts)
        pending = self._pending_states(drafts)
        for draft in drafts:
            rows.append(self._decide(draft, pending))
            self._suspect(draft, rows[-1][3])
        return rows

    def _suspect(self, draft: Draft, action: str) -> None:
        """Remember what was planned for a row that is not written; a row that is written needs what it points to."""
        if action in ("create", "update"):
            if self._suspects:
                needed = [*draft.needs, *(uuid.UUID(t) for t in draft.tags)]
                while needed:
                    pk = needed.pop()
                    if self._suspects.pop(pk, None) is not None:
                        needed.extend(self._needs.get(pk, ()))
            return
        self._suspects.update((row[4], row[2]) for row in self._extra_rows if row[0] == draft.number)

    def _forget_suspects(self) -> None:
        """Take back what nothing that is written points to: a row that fails makes no company either."""
        if self._suspects:
            query("DELETE FROM {t} WHERE part > 0 AND target = ANY(%s) RETURNING number", self.run.plan_table, [list(self._suspects)])
            self.also.subtract(self._suspects.values())
            self.also = +self.also

    def _flush(self, rows: list[tuple[Any, ...]]) -> None:
        copy_rows(self.run.plan_table, PLAN_COLUMNS, [*self._extra_rows, *rows])
        self._extra_rows = []

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
            linked = self.resolver.links(draft)
            draft.needs = [pk for pk, _instance in linked.values() if pk]
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
            draft.waits = True
            draft.problems.append(("", "", _("“%(name)s” is in the trash: restore it, create a new one, or skip the row?") % {"name": target.trashed}))
        elif self.mapping.trash == "restore":
            target.obj = target.trashed

    def _create(self, draft: Draft, linked: dict[str, tuple[Any, Any]], builder: Builder) -> tuple[Any, ...]:
        if self.mode == "update" and not draft.problems:
            draft.problems.append(("", "", _("No record matches this row, and the mapping only updates. Let it create records too, or leave the row out.")))
        if draft.problems:
            return self._error(draft)
        title = str(draft.values.get(self.entity.title[0]) or "")
        mine = self.resolver.in_file.get(self.matcher.folded(title)) if self.resolver.in_file else None
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
        if target.number:
            self._agree(draft, obj, linked, builder)
            if draft.problems:
                return self._error(draft)
        changes = builder.change(obj, draft, linked, self.rules)
        if draft.problems:
            return self._error(draft)
        extras = self.matcher.new_extras(draft, target)
        later = {a: v for a, v in later.items() if str(getattr(obj, a)) != v[0]}
        if target.trashed is not None:
            obj.deleted_at = changes["deleted_at"] = None
        if not changes and not extras and not later:
            self.matcher.seen(draft, target)
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

    def _agree(self, draft: Draft, obj: Any, linked: dict[str, tuple[Any, Any]], builder: Builder) -> None:
        """Where two rows are about one record and say different things, the first is right and a note keeps the other."""
        for key, said in builder.differing(obj, draft, linked):
            column = next((c for c in self.mapping.columns if c.to == key), None)
            if "notes" in self.entity.abilities:
                draft.notes.append(f"{column.header if column else self.fields[key].label}: {said}")
            else:
                words = _("Row %(row)d is about the same record and says something else.") % {"row": self.matcher.earlier(draft) or 0}
                draft.problems.append((column.header if column else key, str(said), words))
            linked.pop(key, None)
            del draft.values[key]

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
        cells = self._cells.get(draft.number, [])
        errors = []
        for name, value, message in draft.problems:
            header = self.places.header_of(name) if name else self.places.of_reading(cells) if draft.unread else self.places.of_row(draft)
            errors.append({"column": header, "value": (value or self.places.cell(header, cells))[:200], "message": message})
        # What an answer to a question of the check will mend is told once, as that question.
        self.waiting += draft.waits
        self._tell(draft.number, errors, self.first_waiting if draft.waits else self.first_errors)
        return (draft.number, 0, self.run.entity, "error", None, None, None, orjson.dumps(errors).decode())

    def _tell(self, number: int, errors: list[dict[str, Any]], told: list[dict[str, Any]]) -> None:
        waits = told is self.first_waiting
        for one in errors if not waits else ():
            of_column = self.errors_of.setdefault(one["column"], {"column": one["column"], "count": 0, "row": number, "message": one["message"]})
            of_column["count"] += 1
        if len(told) < 100:
            told.extend({"row": number, **e, **({"waits": True} if waits else {})} for e in errors)
