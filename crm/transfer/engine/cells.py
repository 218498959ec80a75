"""From a row of cells to a draft: every column put where the mapping says, every value converted once."""

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from crm.records.entity import Entity
from crm.records.fields import Field, Kind
from crm.records.services.values import ADDRESS_PARTS, Bad
from crm.transfer.adapters import Adapter, Draft
from crm.transfer.engine.evidence import Reading, how
from crm.transfer.engine.links import Unresolved
from crm.transfer.engine.values import (
    NEVER_TEXT,
    Ambiguous,
    How,
    NoYear,
    Rounded,
    address_parts,
    convert,
    currency_of,
    is_nothing,
    list_text,
    values_in,
)
from crm.transfer.formulas import unguard
from crm.transfer.mapping.languages import plain
from crm.transfer.mapping.model import Column, Mapping, key_of
from crm.transfer.readers import Row

KEPT = 4_000
DATE_PARTS = ("year", "month", "day")
NOT_PLAIN = frozenset({Kind.ADDRESS, Kind.LINK, Kind.USER, Kind.TAGS})
SPECIAL = frozenset({"note", "pair", "key"})
SEVERAL = frozenset({Kind.EMAIL, Kind.PHONE, Kind.URL})
"""Kinds of which cells often hold more than one."""
_BETWEEN = re.compile("[;|/,\\n]")
MAX_TAG, MAX_KEY = 60, 200
AS_IT_IS = How()


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
    may_be_nothing: bool = False
    """Whether words like “N/A” say that there is nothing."""


class CellReader:
    """Turns rows into drafts; counts what cannot be told (ambiguous dates, unknown choices)."""

    def __init__(
        self, entity: Entity, adapter: Adapter, mapping: Mapping, headers: list[str], fields: dict[str, Field], readings: Sequence[Reading] = ()
    ) -> None:
        self.entity = entity
        self.adapter = adapter
        self.mapping = mapping
        self.fields = fields
        self.ambiguous: Counter[str] = Counter()
        self.blank: Counter[str] = Counter()
        self.nothing: Counter[tuple[str, str]] = Counter()
        self.meant: Counter[tuple[str, str, str]] = Counter()
        """(column, word, the choice it was taken for)"""
        self.choices: dict[str, Unresolved] = {}
        self._how = {c.header: how(c, mapping, list(readings)) for c in mapping.columns}
        self._notes = "notes" in entity.abilities
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
                other = self._index.get(column.parameters.get("of" if column.to == "pair" else "id", ""))
                folded = {k.casefold(): v for k, v in column.values.items()}
                f = self.fields.get(column.to)
                bare = f is not None and not column.values and f.kind not in NOT_PLAIN and column.parameters.get("part") not in DATE_PARTS
                known = self._converted.setdefault((column.header, column.to), {}) if bare and column.to not in SPECIAL else None
                may_be_nothing = f is not None and f.kind in NEVER_TEXT and column.to not in SPECIAL
                steps.append(Step(self._index[column.header], column, f, other, folded, known, may_be_nothing))
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
            draft.unread = True
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
            elif step.known is not None and (value := step.known.get(text)) is not None and step.column.to not in values:
                values[step.column.to] = value
            elif step.may_be_nothing and is_nothing(text) and text not in step.column.values:
                self.nothing[step.column.header, text] += 1
                self._empty(draft, step)
            elif step.known is None:
                self._take(draft, step, text, row)
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
        elif column.to == "own_id" or (column.to == "external_id" and f is None):
            if len(str(given)) > MAX_KEY:
                words = _("At most %(limit)d characters; this has %(count)d.") % {"limit": MAX_KEY, "count": len(str(given))}
                draft.problems.append((column.header, text, words))
            else:
                draft.external.append(str(given))
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
            if step.other is not None and row is not None and (beside := row.cells[step.other].strip()):
                draft.ids[column.to] = beside
        elif f.kind == Kind.TAGS:
            self._tags(draft, column, str(given))
        else:
            self._value(draft, column, f, str(given))

    def _tags(self, draft: Draft, column: Column, text: str) -> None:
        names = list_text(text)
        draft.tags.extend(n for n in names if len(n) <= MAX_TAG)
        for name in names:
            if len(name) > MAX_TAG and self._notes:
                draft.notes.append(f"{column.header}: {name}")
            elif len(name) > MAX_TAG:
                draft.problems.append((column.header, name, _("A tag has 1 to 60 characters.")))

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

    def _value(self, draft: Draft, column: Column, f: Field, text: str) -> None:
        known = self._converted.setdefault((column.header, f.key), {})
        outcome = known.get(text)
        if outcome is None:
            outcome = self._convert(column, f, text)
            if len(known) < KEPT and not isinstance(outcome, Exception) and f.kind not in SEVERAL and (f.kind != Kind.MONEY or text.isdigit()):
                known[text] = outcome
            if f.kind in SEVERAL and (isinstance(outcome, Bad) or _BETWEEN.search(text)):
                outcome = self._one_of_several(draft, column, f, text, outcome)
            elif f.kind == Kind.MONEY and f.currency in self.fields:
                self._currency(draft, column, f, text)
        if isinstance(outcome, Rounded):
            if self._notes:
                draft.notes.append(f"{column.header}: {text}")
                outcome = outcome.value
            else:
                outcome = Bad(_("At most two decimal places."))
        if isinstance(outcome, Exception):
            self._refused(draft, column, f, text, outcome)
            return
        key = f.key
        if key in draft.values and draft.values[key] not in (None, "", outcome) and key not in self._constants:
            draft.notes.append(f"{column.header}: {text}")
        elif outcome is not None or key not in draft.values:
            draft.values[key] = outcome

    def _refused(self, draft: Draft, column: Column, f: Field, text: str, why: Exception) -> None:
        """Say what is wrong with a cell, or keep what is no value in a note."""
        if isinstance(why, Ambiguous):
            self.ambiguous[column.header] += 1
            draft.waits = True
            draft.problems.append((column.header, text, _("Day or month first? Settle it for the column.")))
        elif isinstance(why, NoYear) and self._notes:
            draft.notes.append(f"{column.header}: {text}")
        elif isinstance(why, Bad) and f.kind == Kind.CHOICE:
            self._unknown_choice(draft, column, f, text, why)
        else:
            words = why.messages if isinstance(why, Bad) else (_("A date needs a year."),)
            draft.problems.append((column.header, text, " ".join(map(str, words))))

    def _convert(self, column: Column, f: Field, text: str) -> Any:
        try:
            return convert(f, text, self._how.get(column.header, AS_IT_IS))
        except (Bad, Ambiguous, NoYear, Rounded) as problem:
            # Its frames would keep a chunk of rows alive until the collector comes by.
            problem.__context__ = None
            return problem.with_traceback(None)

    def _one_of_several(self, draft: Draft, column: Column, f: Field, text: str, outcome: Any) -> Any:
        """Return the first of several addresses or numbers in a cell; the others are kept beside it."""
        values, around = values_in(f.kind, text)
        if values == [text]:
            return outcome
        first = self._convert(column, f, values[0])
        if not isinstance(first, Bad) and (len(values) > 1 or around):
            self.adapter.surplus(draft, column.header, str(f.kind), values[1:], around)
        return outcome if isinstance(first, Bad) else first

    def _currency(self, draft: Draft, column: Column, f: Field, text: str) -> None:
        """Take the currency that stands beside an amount, where no column says it."""
        if text[:1].isdigit() and text[-1:].isdigit():
            return
        field = self.fields[f.currency]
        if any(c.to == f.currency for c in self.mapping.columns) or f.currency in self._constants:
            return
        code = currency_of(text, str(field.default() if callable(field.default) else field.default or ""))
        if code and draft.values.setdefault(f.currency, code) != code:
            draft.problems.append((column.header, text, _("The amounts of this row are in several currencies.")))

    def _unknown_choice(self, draft: Draft, column: Column, f: Field, text: str, bad: Bad) -> None:
        if (meant := self.adapter.meanings.get(f.key, {}).get(plain(text))) is not None:
            self.meant[column.header, text, meant] += 1
            draft.values.setdefault(f.key, meant)
            if self._notes:
                draft.notes.append(f"{column.header}: {text}")
            return
        waiting = self.choices.setdefault(column.header, Unresolved(column.header, f.key, ""))
        waiting.add(text)
        choice = self.mapping.choice_of_values(column)
        if choice == "leave":
            draft.notes.append(f"{column.header}: {text}")
        elif choice == "skip":
            raise Skip(_("“%(value)s” in “%(header)s”") % {"value": text, "header": column.header})
        else:
            draft.waits = draft.waits or choice == "ask"
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
            found, rest = address_parts(text)
            if rest:
                draft.notes.append(f"{column.header}: {rest}")
            for name, value in found.items():
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


