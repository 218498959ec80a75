"""The background job behind acts on many records."""

import uuid
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.activity.intention import intend
from crm.jobs.engine import Run, job
from crm.lib.errors import Refusal
from crm.lib.ids import uuid7
from crm.lists.bulk import LABELS, act_on_one, chosen
from crm.lists.state import ListState
from crm.records.entity import entity

BATCH = 50


@job("lists.bulk", queue="default", label=_("Change many records"))
def bulk(run: Run) -> dict[str, Any]:
    """Do an act to every record of a selection, in batches under one change set; a refused record is left out."""
    p = run.params
    of = entity(p["entity"])
    state = ListState(of, run.user, q=p["q"], clauses=tuple(p["criteria"].get("all", [])), archived=bool(p["archived"]))
    if "ids" not in run.checkpoint:
        rows = chosen(state, p["ids"], p["everything"], p["action"]).order_by("pk")
        ids = [str(pk) for pk in rows.values_list("pk", flat=True)]
        run.save({"ids": ids, "at": 0, "done": 0, "refused": 0, "change_set": str(uuid7())})
    label = f"{LABELS[p['action']]}: {of.label_plural}"
    kept = run.checkpoint
    while kept["at"] < len(kept["ids"]):
        run.check()
        batch = kept["ids"][kept["at"] : kept["at"] + BATCH]
        done, refused = kept["done"], kept["refused"]
        with intend(actor=run.user, label=label, change_set_id=uuid.UUID(kept["change_set"])):
            for obj in chosen(state, batch, False, p["action"]).order_by("pk"):
                try:
                    with transaction.atomic():
                        act_on_one(of, obj, p["action"], p["values"], run.user)
                    done += 1
                except Refusal:
                    refused += 1
            run.save({**kept, "at": kept["at"] + len(batch), "done": done, "refused": refused})
        kept = run.checkpoint
        run.progress(kept["at"], len(kept["ids"]))
    return {"done": kept["done"], "refused": kept["refused"], "change_set": kept["change_set"]}
