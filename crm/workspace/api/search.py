"""The search of the API: every kind at once, as the page and the palette do it."""

from typing import Any

from crm.api.schema import describe, shapes
from crm.api.schema.operations import Parameter
from crm.api.schema.shapes import integer, listing, mapping, shape, text
from crm.api.views import APIView, answer
from crm.search.registry import searchables
from crm.search.service import find
from crm.search.statement import CAP

HIT = shape(
    entity=text(), id=shapes.uuid(), title=text(), subtitle=text(), url=text(description="The page of the record."), rank=shapes.number(),
)


class SearchView(APIView):
    """Search over everything the caller may see."""

    @describe(
        "Search", tag="search", errors=(400,),
        parameters=(
            Parameter("q", text(max_length=2000), "Words; all must fit. Ten are heeded.", required=True),
            Parameter("entities", text(max_length=300), "Only these kinds, separated by commas."),
            Parameter("limit", integer(1, 50), "How many of each kind, 8 by default."),
        ),
        answer=shape(results=listing(HIT), counts=mapping(integer(0), f"Hits of each kind, counted no further than {CAP}.")),
        description="Hits that contain the words, the best first; where there are none, those that are spelt alike.",
    )
    def get(self, request: Any) -> Any:
        """Answer the hits."""
        q = self.parameter("q", "")
        entities = [name for name in self.parameter("entities", "").split(",") if name] or None
        found = find(request.user, q, entities=entities, limit=self.parameter("limit", 8))
        return answer({
            "results": [
                {"entity": h.entity, "id": h.id, "title": h.title, "subtitle": h.subtitle, "url": h.url, "rank": h.rank} for h in found.hits
            ],
            "counts": {name: found.counts.get(name, 0) for name in searchables()},
        })
