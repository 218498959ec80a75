"""The links and tags of rows: what a name stands for, what is made for it, what is asked about it."""

import re
import uuid
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, allows
from crm.lib.ids import uuid7
from crm.lib.text import in_sentence
from crm.records.entity import entity
from crm.records.fields import Kind
from crm.records.models import Tag
from crm.transfer.adapters import Draft, adapter_for
from crm.transfer.engine.cells import Skip
from crm.transfer.engine.links import Found, Unresolved
from crm.transfer.engine.staging import staged_chunks
from crm.transfer.mapping.model import Column

_WITH_ADDRESS = re.compile(r"^(.*?)\s*[(<\[]\s*([^()<>\[\]]+)\s*[)>\]]\s*$")


class Resolver:
    """Finds what the cells of link columns stand for, chunk by chunk."""

    def __init__(self, planner: Any) -> None:
        self.planner = planner
        self.fields = planner.fields
        self.unresolved: dict[str, Unresolved] = {}
        self.in_file: dict[str, tuple[uuid.UUID, int]] = {}
        """What other rows of the file are called: (their id, their row)."""
        self._tags: dict[str, str] = {}
        self._may_create: dict[str, bool] = {}
        self._targets = {
            key: "user" if f.kind == Kind.USER else f.link for key, f in self.fields.items() if f.kind in (Kind.LINK, Kind.USER)
        }
        self._own = planner.run.entity
        self.self_links = {
            c.to for c in planner.mapping.columns
            if (f := self.fields.get(c.to)) and f.kind == Kind.LINK and f.link == self._own and not f.custom
        }

    def read_titles(self) -> None:
        """Know every title of the file beforehand: a row may name one that stands below it as its parent."""
        cells, folded = self.planner.cells, self.planner.matcher.folded
        for chunk in staged_chunks(self.planner.run):
            for row in chunk:
                try:
                    draft = cells.draft(row)
                except Skip:
                    continue
                title = str(draft.values.get(self.planner.entity.title[0]) or "")
                for name in (title, *draft.external):
                    if name and not draft.problems:
                        self.in_file.setdefault(folded(name), (uuid7(), row.number))
                        if name != title:
                            self.in_file[folded(name)] = self.in_file[folded(title or name)]
        for counter in (cells.ambiguous, cells.blank, cells.nothing, cells.meant, cells.choices):
            counter.clear()

    def look_up(self, drafts: list[Draft]) -> None:
        """Find all names of a chunk with a query or two for each entity."""
        wanted: dict[str, set[str]] = {}
        for draft in drafts:
            for key, value in draft.values.items():
                if key in self._targets:
                    text = value[1] if isinstance(value, tuple) else value
                    if isinstance(text, str):
                        wanted.setdefault(self._targets[key], set()).update((text, *other_names(text), *((draft.ids[key],) if key in draft.ids else ())))
        for name, texts in wanted.items():
            self.planner.directories.of(name).look_up(texts)

    def links(self, draft: Draft) -> dict[str, tuple[Any, Any]]:
        """Resolve a draft's links; what stands for nothing is counted and settled as the column says."""
        linked: dict[str, tuple[Any, Any]] = {}
        folded = self.planner.matcher.folded
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
            found = self._find(draft, column, target, str(text), draft.ids.get(key, ""))
            if found is None and target == self._own and (mine := self.in_file.get(folded(str(text)))):
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

    def _find(self, draft: Draft, column: Column, target: str, text: str, beside: str) -> Found | None:
        """Return what a name stands for: the name itself, what stands in brackets behind it, or the first of several.

        An id beside the name settles which of its namesakes is meant, or whose name has changed since.
        """
        directory = self.planner.directories.of(target)
        by_id: Found | None = directory.get(beside) if beside else None
        if by_id is not None and directory.is_called(by_id, text):
            return by_id
        found: Found | None = directory.get(text) or by_id
        if found is not None:
            return found
        for name in other_names(text):
            found = directory.get(name)
            if found is not None:
                if ";" in text:
                    draft.notes.append(f"{column.header}: {text}")
                return found
        return None

    def _settle(self, draft: Draft, column: Column, f: Any, target: str, text: str, make: bool) -> Found | None:
        waiting = self.unresolved.setdefault(column.header, Unresolved(column.header, f.key, target))
        choice = "create" if make else self.choice(column, target)
        if choice == "ask" and f.find_or_make:
            choice = "create"
        if choice == "create" and self._creatable(target):
            try:
                made: Found = self.planner.plan_record(target, text, adapter_for(target).minimal(entity(target), text))
            except ValueError as error:
                draft.problems.append((column.header, text, str(error)))
                return None
            return made
        waiting.add(text)
        if choice == "skip":
            raise Skip(_("“%(value)s” in “%(header)s”") % {"value": text, "header": column.header})
        if choice == "leave":
            draft.notes.append(f"{column.header}: {text}")
            return None
        if choice == "ask":
            draft.waits = True
        draft.problems.append((
            column.header, text,
            _("There is no %(what)s called “%(value)s”.") % {"what": in_sentence(entity(target).label), "value": text[:80]},
        ))
        return None

    def choice(self, column: Column, target: str) -> str:
        """Return what happens to names of a column that stand for nothing; people are invited, not made by the way."""
        chosen: str = self.planner.mapping.choice_for(column)
        if chosen == "create" and target and not self._creatable(target):
            return "ask" if column.unresolved == "create" else "leave"
        return chosen

    def _creatable(self, target: str) -> bool:
        if target not in self._may_create:
            declared, actor = entity(target), self.planner.actor
            self._may_create[target] = target != "user" and (actor is SYSTEM or allows(actor, "create", declared.model))
        return self._may_create[target]

    def link_tags(self, draft: Draft) -> None:
        """Replace tag names by ids; new tags are planned."""
        if not draft.tags:
            return
        if not self._tags:
            self._tags = {name.lower(): str(pk) for pk, name in Tag.objects.values_list("pk", "name")}
        ids = []
        for name in dict.fromkeys(draft.tags):
            if name.lower() not in self._tags:
                self._tags[name.lower()] = str(self.planner.plan_record("tag", name, {"name": name}, number=draft.number).id)
            ids.append(self._tags[name.lower()])
        draft.tags = list(dict.fromkeys(ids))


def other_names(text: str) -> list[str]:
    """Return what else a cell may call its record: “Ann Lee (ann@example.com)”, or the first of “Acme; Widgets”."""
    if match := _WITH_ADDRESS.match(text):
        return [n for n in (match[2].strip(), match[1].strip()) if n]
    return [p for p in (part.strip() for part in text.split(";")) if p] if ";" in text else []
