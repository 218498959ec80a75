"""From a row of cells to a draft: every column put where the mapping says, every value converted once."""

import dataclasses
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from crm.records.entity import Entity
from crm.records.fields import Field, Kind
from crm.records.services.values import ADDRESS_PARTS, Bad
from crm.transfer.adapters import Adapter, Draft
from crm.transfer.engine.links import Unresolved
from crm.transfer.engine.values import Ambiguous, address_parts, convert, list_text
from crm.transfer.formulas import unguard
from crm.transfer.mapping.model import Column, Mapping, key_of
from crm.transfer.readers import Row

KEPT = 4_000
DATE_PARTS = ("year", "month", "day")
NOT_PLAIN = frozenset({Kind.ADDRESS, Kind.LINK, Kind.USER, Kind.TAGS})
SPECIAL = frozenset({"note", "pair", "key"})


class Skip(Exception):
    """The mapping says to leave this row out."""


@dataclass
class Step:
    """One column at work: where its cells are, and what is done with them."""

    index: int
    column: Column
    field: Field | None
    other: int | None = None
    """For a pair of columns: where the value stands."""
    folded: dict[str, Any] = dataclasses.field(default_factory=dict)
    """What values stand for, whatever their case."""
    known: dict[str, Any] | None = None
    """What cells were converted to, where a cell is its field's value and nothing else."""


class CellReader:
    """Turns rows into drafts; counts what cannot be told (ambiguous dates, unknown choices)."""

    def __init__(
        self, entity: Entity, adapter: Adapter, mapping: Mapping, headers: list[str], fields: dict[str, Field]
    ) -> None:
        self.entity = entity
        self.adapter = adapter
        self.mapping = mapping
        self.fields = fields
        self.ambiguous: Counter[str] = Counter()
        self.blank: Counter[str] = Counter()
        self.choices: dict[str, Unresolved] = {}
        self._index = {h: i for i, h in enumerate(headers)}
        self._headers = headers
        self._converted: dict[tuple[str, str], dict[str, Any]] = {}
        self.steps = self._steps()
        self._compose = [(name, re.findall(r"\{([^{}]+)\}", text), text) for name, text in mapping.compose.items()]
        self._constants = {name: self._constant(name, value) for name, value in mapping.constants.items()}

    def _steps(self) -> list[Step]:
        steps = []
        for column in self.mapping.columns:
            if column.header in self._index and column.to:
                other = self._index.get(column.parameters.get("of", "")) if column.to == "pair" else None
                folded = {k.casefold(): v for k, v in column.values.items()}
                f = self.fields.get(column.to)
                plain = f is not None and not column.values and f.kind not in NOT_PLAIN and column.parameters.get("part") not in DATE_PARTS
                known = self._converted.setdefault((column.header, column.to), {}) if plain and column.to not in SPECIAL else None
                steps.append(Step(self._index[column.header], column, f, other, folded, known))
        return steps

    def _constant(self, name: str, value: Any) -> Any:
        f = self.fields.get(name)
        if f is None or f.kind in (Kind.LINK, Kind.USER):
            return value
        text = ";".join(value) if isinstance(value, list) else str(value)
        return convert(f, text)

    def draft(self, row: Row) -> Draft:
        """Return the draft of a row; ``Skip`` when a choice leaves it out."""
        draft = Draft(row.number)
        if row.problem:
            draft.problems.append(("", "", row.problem))
            return draft
        for name, value in self._constants.items():
            if name in self.fields and self.fields[name].kind == Kind.TAGS:
                draft.tags.extend(value)
            elif name in self.fields:
                draft.values[name] = value
            else:
                self.adapter.take(draft, name, {}, str(value))
        cells, values = row.cells, draft.values
        for step in self.steps:
            text = cells[step.index].strip()
            if text[:1] == "'":
                text = unguard(text)
            if not text:
                self._empty(draft, step)
            elif step.known is None:
                self._take(draft, step, text, row)
            elif (value := step.known.get(text)) is not None and step.column.to not in values:
                values[step.column.to] = value
            else:
                self._value(draft, step.column, step.field, text)
        for name, headers, template in self._compose:
            self._put_together(draft, name, headers, template, row)
        self._assemble(draft)
        return draft

    def _empty(self, draft: Draft, step: Step) -> None:
        column = step.column
        if "" in column.values:
            self._take(draft, step, "", None)
            return
        if step.field is not None and step.field.kind in (Kind.LINK, Kind.USER):
            self.blank[column.header] += 1
        if column.empty == "skip":
            raise Skip(_("“%(header)s” is empty") % {"header": column.header})
        if column.empty == "error":
            draft.problems.append((column.header, "", _("This cell must not be empty.")))

    def _take(self, draft: Draft, step: Step, text: str, row: Row | None) -> None:
        column, f = step.column, step.field
        given: Any = text
        if column.values:
            given = self._mapped(draft, step, text)
            if given is None:
                return
        if column.to == "note":
            draft.notes.append(f"{column.header}: {text}" if column.parameters.get("label") else text)
        elif column.to == "external_id" and f is None:
            draft.external.append(str(given)[:200])
        elif column.to == "pair":
            self._pair(draft, step, text, row)
        elif column.to == "key":
            return
        elif f is None:
            self.adapter.take(draft, column.to, column.parameters, str(given))
        elif f.kind == Kind.ADDRESS:
            self._address(draft, column, str(given))
        elif column.parameters.get("part") in DATE_PARTS:
            draft.parts.setdefault(f"date:{column.to}", {})[column.parameters["part"]] = str(given)
        elif f.kind in (Kind.LINK, Kind.USER):
            draft.values.setdefault(column.to, (column, given))
        elif f.kind == Kind.TAGS:
            draft.tags.extend(list_text(str(given)))
        else:
            self._value(draft, column, f, str(given))

    @staticmethod
    def _mapped(draft: Draft, step: Step, text: str) -> Any:
        """Return what a value stands for; None for leaving the field empty."""
        column = step.column
        if text in column.values:
            choice = column.values[text]
        else:
            choice = step.folded.get(text.casefold(), text)
        if isinstance(choice, dict):
            if choice.get("skip"):
                raise Skip(_("“%(value)s” in “%(header)s”") % {"value": text, "header": column.header})
            if choice.get("leave"):
                return None
            if choice.get("error"):
                draft.problems.append((column.header, text, _("“%(value)s” stands for nothing here.") % {"value": text[:80]}))
                return None
            if "to" in choice:
                return str(choice["to"])
            return {"title": text, **choice} if choice.get("create") else text
        return None if choice is None else str(choice)

    def put(self, draft: Draft, f: Field, text: str) -> None:
        """Give a draft a value that an adapter derived."""
        self._value(draft, Column(f.key, f.key), f, text)

    def _value(self, draft: Draft, column: Column, f: Any, text: str) -> None:
        known = self._converted.setdefault((column.header, f.key), {})
        outcome = known.get(text)
        if outcome is None:
            outcome = self._convert(column, f, text)
            if len(known) < KEPT and not isinstance(outcome, Bad | Ambiguous):
                known[text] = outcome
        if isinstance(outcome, Ambiguous):
            self.ambiguous[column.header] += 1
            draft.problems.append((column.header, text, _("Day or month first? Settle it for the column.")))
            return
        if isinstance(outcome, Bad):
            if f.kind == Kind.CHOICE:
                self._unknown_choice(draft, column, f, text, outcome)
            else:
                draft.problems.append((column.header, text, " ".join(map(str, outcome.messages))))
            return
        key = f.key
        if key in draft.values and draft.values[key] not in (None, "", outcome) and key not in self._constants:
            draft.notes.append(f"{column.header}: {text}")
        else:
            draft.values[key] = outcome

    def _convert(self, column: Column, f: Field, text: str) -> Any:
        try:
            return convert(f, text, scale=column.scale, dates=column.dates)
        except (Bad, Ambiguous) as problem:
            return problem

    def _unknown_choice(self, draft: Draft, column: Column, f: Field, text: str, bad: Bad) -> None:
        waiting = self.choices.setdefault(column.header, Unresolved(column.header, f.key, ""))
        waiting.add(text)
        if column.unresolved == "leave":
            draft.notes.append(f"{column.header}: {text}")
        elif column.unresolved == "skip":
            raise Skip(_("“%(value)s” in “%(header)s”") % {"value": text, "header": column.header})
        else:
            draft.problems.append((column.header, text, " ".join(map(str, bad.messages))))

    def _pair(self, draft: Draft, step: Step, name: str, row: Row | None) -> None:
        """A column that names a custom field, and the column beside it that holds the value."""
        value = unguard(row.cells[step.other].strip()) if row is not None and step.other is not None else ""
        f = self.fields.get(f"custom.{key_of(name)}")
        if value and f is not None:
            self._value(draft, step.column, f, value)
        elif value:
            draft.notes.append(f"{name}: {value}")

    def _address(self, draft: Draft, column: Column, text: str) -> None:
        parts = draft.parts.setdefault(f"address:{column.to}", {})
        part = column.parameters.get("part", "")
        if part in ADDRESS_PARTS:
            lines = text.splitlines()
            parts[part] = " ".join(lines[0].split()) if lines else ""
            if part == "line1" and len(lines) > 1:
                parts.setdefault("line2", ", ".join(x.strip() for x in lines[1:] if x.strip()))
        else:
            for name, value in address_parts(text).items():
                parts.setdefault(name, value)

    def _put_together(self, draft: Draft, name: str, headers: list[str], template: str, row: Row) -> None:
        cells = {h: unguard(row.cells[self._index[h]].strip()) for h in headers if h in self._index}
        text = template
        for header in headers:
            text = text.replace("{" + header + "}", cells.get(header, ""))
        text = re.sub(r"\s*[–—-]\s*$|^\s*[–—-]\s*", "", " ".join(text.split())).strip()
        f = self.fields.get(name)
        if not text:
            return
        if f is None:
            self.adapter.take(draft, name, {}, text)
        elif f.kind in (Kind.LINK, Kind.USER):
            draft.values[name] = (Column(name, name), text)
        else:
            self._value(draft, Column(name, name), f, text)

    def _assemble(self, draft: Draft) -> None:
        """Turn the parts of dates and addresses into values."""
        for name, parts in draft.parts.items():
            kind, _colon, key = name.partition(":")
            f = self.fields.get(key)
            if f is None:
                continue
            if kind == "date":
                text = "-".join(parts.get(p, "").zfill(2) for p in DATE_PARTS)
                if all(parts.get(p) for p in DATE_PARTS):
                    self._value(draft, Column(key, key), f, text)
                else:
                    draft.notes.append(f"{f.label}: {text}")
            elif kind == "address":
                try:
                    made = {k: v for k, v in parts.items() if v}
                    draft.values[key] = {**made}
                    for part, value in made.items():
                        if len(value) > 255:
                            raise Bad(_("At most 255 characters; this has %(count)d.") % {"count": len(value)}, at=part)
                except Bad as bad:
                    draft.problems.append((key, "", " ".join(map(str, bad.messages))))


