"""The run: carries the plan out, batch by batch, each batch one transaction, all under one change set."""

import gc
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg import sql

from crm.access.policy import policy_of
from crm.activity.intention import intend
from crm.activity.models import ChangeSet
from crm.lib.errors import Conflict
from crm.lib.ids import uuid7
from crm.records.entity import Entity, entity
from crm.records.models import Note
from crm.records.services.constraints import explain
from crm.records.services.fitting import why_unfit
from crm.transfer.adapters import adapter_for
from crm.transfer.engine.build import stored_columns
from crm.transfer.engine.finding import folded_from
from crm.transfer.engine.lanes import PATIENCE, Turn, side_by_side
from crm.transfer.engine.places import Places
from crm.transfer.engine.staging import copy_rows, query
from crm.transfer.mapping.model import outline
from crm.transfer.models import ExternalId, ImportRun

BATCH, SMALL = 5_000, 500
SLOW = 2.0
"""A batch that took longer makes the next one smaller: a cancellation is heard between two of them."""
COLLECT_EVERY = 10
LANES, LANES_FROM = 2, 20_000
"""How many connections write at once, and from how many rows on."""
Planned = tuple[int, int, str, str, uuid.UUID | None, Any, Any]
"""(row, part, entity, action, target, state, extra)"""


class Unfit(Exception):
    """Some of the new records are none that the actor's role may make."""

    def __init__(self, pks: set[Any], why: str) -> None:
        self.pks = pks
        super().__init__(why)


class Writer:
    """Writes one run's plan; ``written_to`` on the run is the checkpoint."""

    def __init__(self, run: ImportRun, actor: Any, options: dict[str, Any], system: str) -> None:
        self.run = run
        self.actor = actor
        self.options = options
        self.system = system
        self.counts: Counter[str] = Counter(run.report.get("written", {}))
        self.failed: list[dict[str, Any]] = list(run.report.get("run_errors", []))
        self.size = BATCH
        self._batches_done = 0
        self._entities: dict[str, Entity] = {}
        self._columns: dict[str, list[Any]] = {}
        declared = entity(run.entity)
        self.places = Places(declared, adapter_for(run.entity), outline(run.mapping), declared.writable_fields(actor), run.source["headers"])

    def write(self, progress: Callable[[int], None]) -> None:
        """Carry out every batch after the checkpoint."""
        # Inside somebody's transaction (a test) no other connection sees the plan.
        large = not connection.in_atomic_block and self.run.report["rows"] >= LANES_FROM
        side_by_side(self._batches(), lambda batch, turn: self._commit(batch, turn, progress), LANES if large else 1)
        with intend(actor=self.actor, source=ChangeSet.Source.IMPORT, label=self._label(), new=True, change_set_id=self.run.change_set):
            self._link_later()

    def _commit(self, batch: list[Planned], turn: Turn, progress: Callable[[int], None]) -> None:
        """Write one batch in one transaction with its checkpoint."""
        began = time.monotonic()
        with intend(actor=self.actor, source=ChangeSet.Source.IMPORT, label=self._label(), new=True, change_set_id=self.run.change_set):
            if any(row[3] == "update" for row in batch):
                turn.wait(PATIENCE)  # it may change what the batch before makes
            self._batch(batch, turn)
            self.run.written_to = batch[-1][0]
            self.run.report = {**self.run.report, "written": dict(self.counts), "run_errors": self.failed[:1_000]}
            self.run.save(update_fields=["written_to", "report", "updated_at"])
            progress(batch[-1][0])
        self._batches_done += 1
        if self._batches_done % COLLECT_EVERY == 0:
            gc.collect()  # the collector sleeps during a run; a million rows leave a hundred megabytes of circles
        spent = time.monotonic() - began
        self.size = max(SMALL, self.size // 2) if spent > SLOW else min(BATCH, self.size * 2) if spent < SLOW / 4 else self.size

    def _label(self) -> str:
        return _("Import of %(file)s") % {"file": self.run.file_name}

    def _batches(self) -> Iterator[list[Planned]]:
        after = self.run.written_to
        while batch := self._next(after):
            yield batch
            after = batch[-1][0]

    def _next(self, after: int) -> list[Planned]:
        """Return the next batch: whole rows, each with all its parts."""
        found = query(
            "SELECT number, part, entity, action, target, state, extra FROM {t} WHERE action IN ('create', 'update') AND number > %s "
            "AND number <= coalesce((SELECT max(number) FROM (SELECT number FROM {t} WHERE action IN ('create', 'update') "
            "AND number > %s ORDER BY number LIMIT %s) s), -1) ORDER BY number, part DESC",
            self.run.plan_table, [after, after, self.size],
        )
        return [
            (number, part, name, action, target, orjson.loads(state) if state else None, orjson.loads(extra) if extra else {})
            for number, part, name, action, target, state, extra in found
        ]

    # -- one batch --------------------------------------------------------------------------------

    def _batch(self, rows: list[Planned], turn: Turn) -> None:
        """Write rows at once; when one breaks a rule of the database, find it by halving."""
        try:
            with transaction.atomic():
                self._write(rows)
                turn.wait(PATIENCE)
                with connection.cursor() as cursor:
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        except Unfit as error:
            for row in rows:
                if row[4] in error.pks:
                    self._fail(row[0], "", str(error))
            refused = {row[0] for row in rows if row[4] in error.pks}
            if rest := [row for row in rows if row[0] not in refused]:
                self._batch(rest, turn)
            return
        except (IntegrityError, DataError) as error:
            turn.wait(PATIENCE)
            numbers = list(dict.fromkeys(r[0] for r in rows))
            if len(numbers) == 1:
                self._broken(rows, error)
                return
            middle = numbers[len(numbers) // 2]
            self._batch([r for r in rows if r[0] < middle], turn)
            self._batch([r for r in rows if r[0] >= middle], turn)
            return
        self.counts.update(self._count(rows))

    def _count(self, rows: list[Planned]) -> Counter[str]:
        done: Counter[str] = Counter()
        stale = {f["row"] for f in self.failed if f.get("stale")}
        for number, part, name, action, *_rest in rows:
            if part == 0 and number not in stale:
                done[action] += 1
            elif part:
                done[f"also:{name}"] += 1
        return done

    def _broken(self, rows: list[Planned], error: IntegrityError | DataError) -> None:
        """Tell which column of a row the database does not take, and what to do."""
        main = next((r for r in rows if r[1] == 0), rows[0])
        declared = entity(main[2])
        if isinstance(error, DataError):
            # COPY says where it stood: “COPY customers_customer, line 1, column phone: "…"”.
            context = getattr(getattr(error.__cause__, "diag", None), "context", "") or ""
            found = re.search(r"\bcolumn (\w+)", context)
            name = next((f.name for f in declared.fields if found and found[1] in (f.source, f"{f.source}_id")), "")
            message = _("The database does not take this value (%(reason)s). Shorten it or write it in another way.") % {
                "reason": str(error).splitlines()[0]
            }
        else:
            refusal = explain(declared, declared.model(), error)
            name = next((d.field for d in refusal.details if d.field), "")
            message = refusal.message
            if isinstance(refusal, Conflict):
                message = _("%(problem)s It came after the check: change this value, or import the row again to update that record.") % {
                    "problem": message if message.endswith(".") else f"{message}."
                }
        self._fail(main[0], name, message)

    def _fail(self, number: int, name: str, message: str, **more: Any) -> None:
        """Note that a row was not written: the column is that of a field, or the one that names the record."""
        found = query("SELECT cells FROM {t} WHERE number = %s", self.run.staging_table, [number])
        cells = orjson.loads(found[0][0]) if found else []
        header = self.places.header_of(name) if name else self.places.of_row()
        self.failed.append({"row": number, "column": header, "value": self.places.cell(header, cells)[:200], "message": message, **more})
        self.counts["error"] += 1

    def _write(self, rows: list[Planned]) -> None:
        last = rows[-1][0]
        order: dict[str, list[Planned]] = {}
        for row in rows:
            order.setdefault(row[2], []).append(row)
        # What other rows point to comes first; the run's own entity last.
        for name in sorted(order, key=lambda n: n == self.run.entity):
            creates = [r for r in order[name] if r[3] == "create"]
            if creates and not adapter_for(name).write(creates, self.actor, self.options):
                self._create(name, creates, last)
            self._update(name, [r for r in order[name] if r[3] == "update"])
        self._extras(rows)
        for name, several in order.items():
            made = [r[4] for r in several if r[3] == "create"]
            if made and (unfit := policy_of(entity(name).model).unfit(self.actor, made)):
                raise Unfit(unfit, why_unfit(entity(name), self.actor))

    def _columns_of(self, name: str) -> list[Any]:
        if name not in self._columns:
            self._columns[name] = stored_columns(entity(name).model)
        return self._columns[name]

    def _create(self, name: str, rows: list[Planned], last: int) -> None:
        model = entity(name).model
        columns = self._columns_of(name)
        attributes = [c.attname for c in columns]
        stamps = [f for f in ("created_at", "updated_at") if f in {c.attname for c in model._meta.concrete_fields}]
        now = timezone.now().isoformat()
        values = []
        for row in rows:
            state = row[5]
            for attribute, (parent, number) in row[6].get("later", {}).items():
                if number <= last:
                    state[attributes.index(attribute)] = parent
            values.append([*state, *([now] * len(stamps))])
        if "sort_key" in {c.name for c in model._meta.concrete_fields}:
            # Neighbours in the indexes one after the other: a tenth of PostgreSQL's work.
            at = [attributes.index(name) for name in folded_from(model)]
            values.sort(key=lambda row: [str(row[i] or "").lower() for i in at])
        copy_rows(model._meta.db_table, [*(c.column for c in columns), *stamps], values)
        adapter_for(name).written([dict(zip(attributes, r[5], strict=True)) for r in rows], self.options)

    def _update(self, name: str, rows: list[Planned]) -> None:
        """Update rows set by set: the same columns at once; a record that comes twice waits for its turn."""
        while rows:
            now, later, taken = [], [], set()
            for row in rows:
                (later if row[4] in taken else now).append(row)
                taken.add(row[4])
            groups: dict[tuple[str, ...], list[Planned]] = {}
            for row in now:
                groups.setdefault(tuple(sorted(row[5]["set"])), []).append(row)
            for attributes, group in groups.items():
                self._update_columns(name, attributes, group)
            rows = later

    def _update_columns(self, name: str, attributes: tuple[str, ...], rows: list[Planned]) -> None:
        model = entity(name).model
        fields = {f.attname: f for f in model._meta.concrete_fields}
        versioned = "version" in fields
        chosen = [fields[a] for a in attributes]
        types = [("id", "uuid"), *([("version", "integer")] if versioned else []),
                 *((f.column, f.rel_db_type(connection) if f.is_relation else f.db_type(connection)) for f in chosen)]
        payload = [
            {"id": str(r[4]), **({"version": r[5]["version"]} if versioned else {}), **{f.column: r[5]["set"][f.attname] for f in chosen}}
            for r in rows
        ]
        sets: list[sql.Composable] = [sql.SQL("{c} = v.{c}").format(c=sql.Identifier(f.column)) for f in chosen]
        sets += [sql.SQL("version = t.version + 1")] if versioned else []
        sets += [sql.SQL("updated_at = now()")] if "updated_at" in fields else []
        statement = sql.SQL("UPDATE {t} t SET {sets} FROM jsonb_to_recordset(%s::jsonb) AS v({types}) WHERE t.id = v.id{version} RETURNING t.id").format(
            t=sql.Identifier(model._meta.db_table), sets=sql.SQL(", ").join(sets),
            types=sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(str(t))) for c, t in types),
            version=sql.SQL(" AND t.version = v.version") if versioned else sql.SQL(""),
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [orjson.dumps(payload).decode()])  # type: ignore[arg-type]
            done = {pk for (pk,) in cursor.fetchall()}
        for row in rows:
            if row[4] not in done:
                row[6].clear()
                self._fail(row[0], "", _("Someone changed this record since the check. Import the row again."), stale=True)

    # -- what belongs to the rows -----------------------------------------------------------------

    def _extras(self, rows: list[Planned]) -> None:
        with_extras = [r for r in rows if r[1] == 0 and r[6]]
        if not with_extras:
            return
        now = timezone.now().isoformat()
        declared = entity(self.run.entity)
        for child in adapter_for(self.run.entity).children:
            columns = stored_columns(child.model)
            made = []
            for row in with_extras:
                for values in row[6].get(child.key, []):
                    obj = child.model(**{f"{child.parent}_id": row[4], **values})
                    made.append([*(getattr(obj, c.attname) for c in columns), now, now])
            copy_rows(child.model._meta.db_table, [*(c.column for c in columns), "created_at", "updated_at"], made)
        tagged = [(row[4], tag) for row in with_extras for tag in row[6].get("tags", [])]
        if tagged:
            through = declared.model.tags.through  # type: ignore[attr-defined]
            copy_rows(through._meta.db_table, [f"{declared.model._meta.model_name}_id", "tag_id"], tagged)
        self._notes(with_extras, now)
        external = [
            (uuid7(), now, now, self.system, declared.name, key, row[4]) for row in with_extras for key in row[6].get("external", [])
        ]
        if external:
            # An id whose record was deleted since may be given to its successor.
            ExternalId.objects.filter(
                system=self.system, entity=declared.name, key__in=[e[5] for e in external]
            ).delete()
            copy_rows(
                ExternalId._meta.db_table, ["id", "created_at", "updated_at", "system", "entity", "key", "record_id"], external
            )

    def _notes(self, rows: list[Planned], now: str) -> None:
        made = []
        columns = stored_columns(Note)
        for row in rows:
            notes = row[6].get("notes", [])
            if notes:
                note = Note(
                    entity=self.run.entity, record_id=row[4], content="\n".join(notes)[:100_000], author_id=self.actor.pk,
                    created_by_id=self.actor.pk, title=_("From %(file)s") % {"file": self.run.file_name[:150]},
                )
                made.append([*(getattr(note, c.attname) for c in columns), now, now])
        copy_rows(Note._meta.db_table, [*(c.column for c in columns), "created_at", "updated_at"], made)

    def _link_later(self) -> None:
        """Set the links to records that came in a later batch, now that all are there."""
        model = entity(self.run.entity).model
        found = query(
            "SELECT p.target, l.key, l.value ->> 0 FROM {t} p, jsonb_each(p.extra::jsonb -> 'later') l "
            "WHERE p.part = 0 AND p.extra LIKE '%%\"later\"%%' AND p.action IN ('create', 'update')",
            self.run.plan_table,
        )
        for start in range(0, len(found), BATCH):
            for attribute in {f[1] for f in found}:
                pairs = [(str(t), p) for t, a, p in found[start : start + BATCH] if a == attribute]
                with connection.cursor() as cursor:
                    cursor.execute(
                        sql.SQL(
                            "UPDATE {m} t SET {c} = v.parent FROM unnest(%s::uuid[], %s::uuid[]) AS v(id, parent) "
                            "WHERE t.id = v.id AND t.{c} IS DISTINCT FROM v.parent AND EXISTS (SELECT 1 FROM {m} WHERE id = v.parent)"
                        ).format(m=sql.Identifier(model._meta.db_table), c=sql.Identifier(attribute)),
                        [[p[0] for p in pairs], [p[1] for p in pairs]],
                    )
