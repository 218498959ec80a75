"""The one statement of a search, which costs about the same whatever the words and however many rows there are.

A trigram index finds the rows of a rare word at once, and those of a common one by the hundred thousand. So each kind
is looked at twice: in a sample (one row in 256, with an index of its own), and only if the words prove rare there in
all of it. What begins with the words is found besides, so that the best hits do not depend on the sample.
"""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import BooleanField, Case, CharField, FloatField, Q, QuerySet, TextField, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, StrIndex
from django.db.models.lookups import GreaterThan

from crm.access.policy import EVERYTHING, field_rights, policy_of, visible_to
from crm.access.rights import rights_of
from crm.lib.models import SAMPLED
from crm.lib.text import LAST
from crm.search.registry import Searchable
from crm.search.words import SHORT, begins_word, escaped, searchable_rows, window

CAP = 500
"""So many rows of a kind are ranked and counted: the facet then says “500+”."""
COMMON = 16
"""A word that so many rows of the sample hold stands in thousands in all."""
SHOWN = 500
"""So many rows of the sample are candidates."""
ASKED = 300
"""So many, where whether one sees a row is asked row by row."""
OWN = 1500
"""So many of one's own rows are searched for a common word."""
SLOTS = 3
"""One statement, planned once, serves up to so many words."""


class Places:
    """What of the words goes where: the places that the statement has for words of a shape, and what is put there.

    Up to ``SLOTS`` long words share a shape; a slot without a word takes what stands in every text.
    """

    def __init__(self, words: list[str]) -> None:
        self.words = words
        long = all(len(word) > SHORT for word in words)
        self.planned = long and len(words) <= SLOTS
        self.shape = "l" * SLOTS if self.planned else "".join("s" if len(word) <= SHORT else "l" for word in words)
        self.says_much = "l" in self.shape
        """In long texts a word of one or two letters says nothing."""
        self.names = ["phrase", "end", "phrase%", "first%", "% first%"]
        for at in range(len(self.shape)):
            self.names += [f"{name} {at}" for name in ("part", "word", "pattern")]

    def samples(self) -> list[str]:
        """Return what marks the places."""
        return [self._mark(name) for name in self.names]

    def values(self) -> list[str]:
        """Return what is put there, in the same order."""
        phrase, first = " ".join(self.words), escaped(self.words[0])
        found = [phrase, phrase + LAST, f"{escaped(phrase)}%", f"{first}%", f"% {first}%"]
        for word in [*self.words, *[""] * (len(self.shape) - len(self.words))]:
            plain = escaped(word)
            if word and len(word) <= SHORT:
                found += [f"{plain}%", word, f"% {plain}%"]
            else:
                found += [f"%{escaped(window(word))}%" if word else "%", word, f"%{plain}%" if word else "%"]
        return found

    def nearly(self, column: str) -> Q:
        """Return the clause that what is rarest of every word stands in a column."""
        return self._each(column, "part")

    def exactly(self, column: str) -> Q:
        """Return the clause that every word stands in a column, for rows that nearly hold them."""
        clause = Q()
        for at, kind in enumerate(self.shape):
            if kind == "l":
                clause &= Q(GreaterThan(StrIndex(column, Value(self._mark(f"word {at}"), TextField())), 0))
        return clause

    def fully(self, column: str) -> Q:
        """Return the clause that every word stands in a column."""
        return self._each(column, "pattern")

    def _each(self, column: str, which: str) -> Q:
        clause = Q()
        for at, kind in enumerate(self.shape):
            if kind == "s":
                clause &= begins_word(column, self._mark(f"part {at}"), self._mark(f"pattern {at}"))
            else:
                clause &= Q(**{f"{column}__like": self._mark(f"{which} {at}")})
        return clause

    def holding(self) -> tuple[str, list[str]]:
        """Return the clause that every word stands in the column ``text`` of a part, and its values."""
        clauses, marks = [], []
        for at, kind in enumerate(self.shape):
            some = [self._mark(f"{name} {at}") for name in (("part", "pattern") if kind == "s" else ("pattern",))]
            clauses.append(f"({' OR '.join(['text LIKE %s'] * len(some))})")
            marks += some
        return " AND ".join(clauses), marks

    def begun(self, column: str) -> Q:
        """Return the clause that a column begins with the words, as a plain index of it can answer."""
        return Q(**{f"{column}__gte": self._mark("phrase"), f"{column}__lt": self._mark("end")})

    def rank(self, columns: Sequence[str]) -> Any:
        """Return how well a row fits: the beginning of one of the columns, of a word in the first, or somewhere inside."""

        def start(mark: str) -> Q:
            clause = Q()
            for column in columns:
                clause |= Q(**{f"{column}__like": self._mark(mark)})
            return clause

        return Case(
            When(start("phrase%"), then=Value(4.0)), When(start("first%"), then=Value(3.0)),
            When(**{f"{columns[0]}__like": self._mark("% first%")}, then=Value(2.0)), default=Value(1.0), output_field=FloatField(),
        )

    @staticmethod
    def _mark(name: str) -> str:
        return f"\ue000{name}\ue001"


class Statement:
    """What is asked: by whom, for which words, of which kinds, and how many hits of which of them are shown.

    Its lines are hits (kind, id, title, subtitle, rank, False), and for each kind one without an id: how many rows there
    are, and whether there are more.
    """

    def __init__(self, user: Any, places: Places, kinds: list[Searchable], shown: frozenset[str], limit: int) -> None:
        self.user, self.places, self.limit = user, places, limit
        self._parts: list[tuple[str, list[Any]]] = []
        self._lines: list[tuple[str, list[Any]]] = []
        for kind in kinds:
            if kind.through and not places.says_much:
                continue
            try:
                self._ask(kind, shown=kind.entity in shown)
            except EmptyResultSet:  # one sees nothing of this kind
                continue

    def built(self) -> tuple[str, list[Any]]:
        """Return the text and its values; raise ``EmptyResultSet`` for one who sees nothing of any kind."""
        if not self._lines:
            raise EmptyResultSet
        parts, lines = (", ".join(t for t, _v in self._parts), " UNION ALL ".join(t for t, _v in self._lines))
        return f"WITH {parts} {lines}", [value for _t, values in (*self._parts, *self._lines) for value in values]

    def _ask(self, kind: Searchable, *, shown: bool) -> None:
        name, places, model = kind.entity, self.places, kind.model
        seen = visible_to(self.user, model)
        seen.query.sql_with_params()  # raises for one who sees nothing of it
        every, text = model._default_manager.all(), "search_text"
        if kind.text is not None:
            every, text = every.annotate(searched_text=kind.text), "searched_text"
        all_seen = policy_of(model).rows(rights_of(self.user), self.user, "view") == EVERYTHING
        readable = all(field_rights(self.user, model).can_read(column) for column in kind.columns)

        holding, marks = places.holding()
        self._part(f"{name}_i", every.filter(places.nearly(text), SAMPLED).values_list("pk", text), "id, text")
        self._text(f"{name}_s(id)", f"SELECT id FROM {name}_i WHERE {holding} LIMIT {ASKED if kind.through and not all_seen else SHOWN}", marks)
        common, wide = (f"(SELECT count(*) FROM (SELECT FROM {name}_{part} LIMIT {COMMON}) f) = {COMMON}" for part in "si")
        # The index is asked for as little of the words as is enough.
        self._part(f"{name}_b", every.filter(_once(f"NOT {wide}"), places.nearly(text), places.exactly(text)))
        self._part(f"{name}_d", every.filter(_once(f"{wide} AND NOT {common}"), places.fully(text)))
        candidates, complete = [f"{name}_s", f"{name}_b", f"{name}_d"], f"NOT {common}"
        if not all_seen and (own := self._own(kind, every, common)) is not None:
            # Of a common word hardly one in the sample may be seen: some of what is one's own are looked at besides.
            self._part(f"{name}_v", own.values_list("pk", text), "id, text")
            self._text(f"{name}_h(id)", f"SELECT id FROM {name}_v WHERE {holding} LIMIT {CAP}", marks)
            candidates.append(f"{name}_h")
            complete += "" if kind.through else f" OR (SELECT count(*) FROM {name}_v) < {OWN}"
        for at, column in enumerate((kind.begins if all_seen else kind.begins_of_owner) if shown and readable else ()):
            self._part(f"{name}_p{at}", seen.filter(places.begun(column)).order_by(column, "pk")[: self.limit])
            candidates.append(f"{name}_p{at}")

        found = seen.filter(pk__in=RawSQL(" UNION ALL ".join(f"SELECT id FROM {part}" for part in candidates), []))  # noqa: S611
        found, column = searchable_rows(found, kind.columns, self.user, kind.text)
        if not readable:  # what the index found may stand in what is hidden
            found = found.filter(places.fully(column))
        titles = [c for c in kind.begins if readable and c != column]
        drawn = _drawn(kind, self.user, found, places.rank([column, *titles]))
        self._part(f"{name}_c", drawn.values_list("pk", "hit_title", "hit_subtitle", "hit_rank")[:CAP], "id, title, subtitle, rank")
        number = f"(SELECT count(*) FROM {name}_c)"
        if all_seen and readable and not kind.through:
            number = f"CASE WHEN {common} THEN {CAP} ELSE {number} END"
        self._lines.append((f"(SELECT %s, NULL::uuid, NULL, NULL, {number}::float8, NOT ({complete}) OR {number} >= {CAP})", [name]))
        if shown:
            best = f"SELECT %s, id, title, subtitle, rank, false FROM {name}_c ORDER BY rank DESC, id DESC LIMIT {self.limit}"
            self._lines.append((f"({best})", [name]))

    def _own(self, kind: Searchable, every: QuerySet[Any], common: str) -> QuerySet[Any] | None:
        """Return some rows of one's own: any by the matrix, or the latest where rows are seen by way of others."""
        rights = rights_of(self.user)
        if kind.through is not None:
            owner, order = kind.through
            return every.filter(**{owner: rights.user_id}).order_by(order, "-pk")[:OWN]
        own = every.filter(policy_of(kind.model).scoped(rights, self.user, "view"), _once(common))
        try:
            own.query.sql_with_params()
        except EmptyResultSet:  # only single records are shared
            return None
        return own.order_by("pk__shuffled")[:OWN]

    def _part(self, name: str, rows: QuerySet[Any], columns: str = "id") -> None:
        """Add a part, planned for all its rows: the planner must not bet on finding the first few by chance."""
        text, values = (rows.values("pk") if columns == "id" else rows).query.sql_with_params()
        self._parts.append((f"{name}({columns}) AS MATERIALIZED ({text})", list(values)))

    def _text(self, name: str, text: str, values: Sequence[Any] = ()) -> None:
        self._parts.append((f"{name} AS MATERIALIZED ({text})", list(values)))


def _once(condition: str) -> RawSQL:
    """Return a condition that is asked once and not of every row."""
    return RawSQL(condition, [], BooleanField())  # noqa: S611


def _drawn(kind: Searchable, user: Any, rows: QuerySet[Any], place: Any) -> QuerySet[Any]:
    """Return rows with what is shown of a hit."""
    rights = field_rights(user, kind.model)
    subtitle = kind.subtitle if all(rights.can_read(name) for name in kind.subtitle_fields) else Value("")
    return rows.annotate(hit_title=Cast(kind.title, TextField()), hit_subtitle=Cast(subtitle, TextField()), hit_rank=place)


def as_hits(kind: Searchable, user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return rows as a search would give them (kind, id, title, subtitle, rank)."""
    drawn = _drawn(kind, user, rows, Value(1.0, FloatField())).annotate(hit_kind=Value(kind.entity, CharField()))
    return drawn.values_list("hit_kind", "pk", "hit_title", "hit_subtitle", "hit_rank")
