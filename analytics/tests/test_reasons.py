"""Why deals are lost: counted by reason, and each number leads to its list."""

import html
import re
from typing import Any

import pytest

from crm.access.policy import SYSTEM
from crm.accounts.models import FieldRight
from sales.models import Pipeline
from sales.services.deals import move_deal
from sales.tests.factories import DealFactory, LossReasonFactory

pytestmark = pytest.mark.django_db


def test_reasons_are_counted_and_lead_to_their_lists(admin: Any, rep: Any, client_for: Any) -> None:
    stages = {s.code: s for s in Pipeline.objects.get(is_default=True).stages.all()}
    price, time = LossReasonFactory(name="Too dear"), LossReasonFactory(name="Too late")
    for reason in (price, price, time):
        deal = DealFactory(stage=stages["PROPOSAL"], assigned_user=rep, customer=None)
        move_deal(deal=deal, stage=stages["CLOSED_LOST"], reason=reason, actor=SYSTEM)
    page = client_for(admin)
    text = page.get("/reports/sales").content.decode()
    assert text.index("Too dear") < text.index("Too late")
    links = [html.unescape(u) for u in re.findall(r'href="(/deals\?[^"]*close_reason[^"]*)"', text)]
    assert page.get(links[0]).content.decode().count('data-id="') == 2
    FieldRight.objects.create(role=rep.role, entity="deal", field="close_reason", level="hidden")
    assert "Too dear" not in client_for(rep).get("/reports/sales").content.decode()
