"""Records that look like the same one, over the API."""

import uuid
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.api.schema import describe
from crm.api.schema.operations import Parameter
from crm.api.schema.shapes import listing, number, one_of, reference, shape, text
from crm.api.schema.shapes import uuid as identifier
from crm.api.views import APIView, answer, no_content
from crm.lib.errors import Invalid
from crm.records.duplicates import duplicates_of, keep_apart, kinds
from crm.records.entity import Entity, entity
from crm.records.representation import title_readable

LOOKED_AT = 50
PAIR = shape(
    entity=text(), record=reference(), other=reference(), score=number("How alike they are, from 0 to 1."),
    reasons=listing(text(), description="In words."),
)


class DuplicatesView(APIView):
    """Who stands there twice."""

    quota_cost = 5

    @describe(
        "List likely duplicates", answer=PAIR, many=True, whole=True, errors=(400,), tag="duplicates",
        description="Those of one record, or of the fifty records that were made last. Merge them with `/{entity}/{id}/merge`.",
        parameters=lambda v: (
            Parameter("entity", one_of(kinds()), "Which kind of record; customers when left out."),
            Parameter("record", identifier(), "The record whose duplicates are looked for."),
        ),
    )
    def get(self, request: Any) -> Any:
        """Answer the pairs, the likeliest first."""
        of = entity(self.parameter("entity", "customer"))
        rows = visible_to(request.user, of.model)
        if wanted := self.parameter("record"):
            looked_at = [_seen(rows, wanted, "record")]
        else:
            looked_at = list(rows.order_by("-pk")[:LOOKED_AT])
        pairs: dict[frozenset[uuid.UUID], dict[str, Any]] = {}
        for obj in looked_at:
            for like in duplicates_of(obj, request.user):
                pairs.setdefault(frozenset((obj.pk, like.obj.pk)), {
                    "entity": of.name, "record": _named(of, obj, request.user), "other": _named(of, like.obj, request.user),
                    "score": round(max(0.0, min(1.0, like.score)), 3), "reasons": like.words,
                })
        return answer(sorted(pairs.values(), key=lambda p: -p["score"]))

    @describe(
        "Say that two records are not the same", status=204, errors=(400, 403), tag="duplicates",
        body=lambda v: shape(entity=one_of(kinds()), record=identifier(), other=identifier()),
        description="They are not offered as duplicates of each other again.",
    )
    def delete(self, request: Any) -> Any:
        """Keep them apart."""
        body = self.body()
        rows = visible_to(request.user, entity(body["entity"]).model)
        one, other = (_seen(rows, body[name], name) for name in ("record", "other"))
        if one == other:
            raise Invalid.field("other", _("Name two records."))
        keep_apart(one=one, other=other, actor=request.user)
        return no_content()


def _seen(rows: Any, pk: str, name: str) -> Any:
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Invalid.field(name, _("There is no such record."))
    return found


def _named(of: Entity, obj: Any, user: Any) -> dict[str, Any]:
    return {"id": obj.pk, "name": str(obj) if title_readable(user, of) else None}
