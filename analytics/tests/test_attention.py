"""What needs attention on Home: one's own deals, and for those who lead everybody's."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from analytics.selectors.attention import attention
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db


def test_who_leads_sees_whose_deals_slip_and_reps_their_own(rep: Any, rep2: Any, admin: Any, readonly: Any, client_for: Any) -> None:
    late = timezone.localdate() - timedelta(days=3)
    mine = DealFactory(assigned_user=rep, customer=None, title="Mine", value=4200, currency="USD", expected_close_date=late)
    DealFactory(assigned_user=rep2, customer=None, title="Theirs", expected_close_date=late)
    assert [a.title for a in attention(rep)] == ["Mine"]
    assert {a.title for a in attention(admin)} == {"Mine", "Theirs"}
    told = next(a for a in attention(admin) if a.title == "Mine")
    assert told.detail == f"$4,200 · {rep.name}"
    assert attention(readonly) == []
    text = client_for(rep).get("/").content.decode()
    assert f'data-fix="/deals/{mine.pk}/close-date"' in text
    assert 'popovertarget="m-new"' in text
