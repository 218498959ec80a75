"""Several people and one record (FD-24, FD-25)."""

import uuid
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

from crm.activity.models import ActivityLog
from crm.operations.drills.browser import Browser, available
from crm.operations.drills.clients import at_once
from crm.operations.drills.outcome import Outcome, wait_for
from crm.operations.drills.registry import Sizes, drill
from crm.operations.drills.stand import Stand
from sales.models import Deal, Stage, StageChange


@drill("FD-24", "Two people, one record", without=("versions",), fails_at="API: the second write of one field with an old ETag gets")
def two_people(stand: Stand, sizes: Sizes) -> Outcome:
    """Let two people change what both have read: by the API, and in two browsers."""
    found = Outcome()
    with stand.api("admin") as first, stand.api("manager") as second:
        made = second.post("/companies", json={"name": f"both {uuid.uuid4().hex}"}).json()["data"]["id"]
        one, two = first.get(f"/companies/{made}"), second.get(f"/companies/{made}")
        version = two.json()["data"]["version"]
        first.patch(f"/companies/{made}", json={"name": "Theirs"}, headers={"If-Match": one.headers["ETag"]})
        late = second.patch(f"/companies/{made}", json={"name": "Mine"}, headers={"If-Match": two.headers["ETag"]})
        found.equal("API: the second write of one field with an old ETag gets", late.status_code, 412)
        found.true("API: it names both values", "Theirs" in late.text and "Mine" in late.text, late.text[:100])
        other = second.patch(f"/companies/{made}", json={"website": "https://example.com", "version": version})
        now = first.get(f"/companies/{made}").json()["data"]
        both = other.status_code == 200 and now["name"] == "Theirs" and "example.com" in (now["website"] or "")
        found.true("API: changes of different fields both stay", both, f"{other.status_code} {now['name']}")
    if sizes.control:
        return found
    if not available():
        found.remark("There is no Chromium here: the pages were not drilled")
        return found
    with Browser(stand) as browser:
        mine, theirs = browser.open("admin", f"/companies/{made}/edit"), browser.open("manager", f"/companies/{made}/edit")
        for page, name in ((mine, "From the first"), (theirs, "From the second")):
            page.fill("main [name=name]", name)
        mine.press("main [name=name]", "Control+Enter")
        wait_for(lambda: stand.sql("SELECT name FROM customers_company WHERE id = %s", made)[0][0] == "From the first", 20)
        theirs.press("main [name=name]", "Control+Enter")
        seen = browser.sees(theirs, "From the first", 20)
        found.true("browser: the second sees what the first wrote", seen)
        found.equal("browser: and still has the own words", theirs.input_value("main [name=name]"), "From the second")
    found.equal("stored meanwhile", stand.sql("SELECT name FROM customers_company WHERE id = %s", made)[0][0], "From the first")
    return found


@drill("FD-25", "Eight stage changes at once", without=("row-locks",), fails_at="breaks in the chains of stages")
def eight_moves(stand: Stand, sizes: Sizes) -> Outcome:
    """Move one deal to different stages by eight clients at the same moment, again and again."""
    found = Outcome()
    rounds = sizes.pick(100, 15, 10)
    stages = list(Stage.objects.filter(pipeline__is_default=True, outcome="open").order_by("position").values_list("pk", flat=True))
    clients = [stand.api(name) for name in ("manager", "admin") * 4]
    breaks = events = bad = refused = sums = 0
    for _round in range(rounds):
        made = clients[0].post("/deals", json={"title": f"Eight {uuid.uuid4().hex[:8]}", "value": "100.00"}).json()["data"]["id"]
        acts: list[Callable[[], Any]] = [partial(c.put, f"/deals/{made}/stage", json={"stage": str(stages[n % len(stages)])}) for n, c in enumerate(clients)]
        codes = [getattr(a, "status_code", 0) for a in at_once(acts)]
        bad += sum(1 for c in codes if c not in (200, 409, 503))
        refused += sum(1 for c in codes if c in (409, 503))
        deal = Deal.objects.get(pk=made)
        chain = list(StageChange.objects.filter(deal=deal).order_by("happened_at", "id").values_list("from_stage", "to_stage"))
        breaks += sum(1 for before, after in pairwise(chain) if before[1] != after[0]) + (chain[-1][1] != deal.stage_id)
        told = ActivityLog.objects.filter(entity_id=made, kind="fact", action="sales.deal_moved").count()
        moves = sum(1 for before, after in chain if before is not None and before != after)
        events += abs(told - moves)
        sums += deal.version != 1 + moves
    found.equal("breaks in the chains of stages", breaks, 0)
    found.equal("moves without exactly one event", events, 0)
    found.equal("deals whose version does not count its moves", sums, 0)
    found.equal("answers that were neither done nor refused", bad, 0)
    found.remark(f"{rounds * 8} moves of {rounds} deals, {refused} refused")
    return found
