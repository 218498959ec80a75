"""The demo: believable, dated back, quiet, and gone in one go."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from communications.models import Interaction
from crm.access.policy import visible_to
from crm.accounts.models import Team, User
from crm.activity.models import ActivityLog, ChangeSet, Delivery
from crm.jobs.engine import run_now
from crm.jobs.models import Job
from crm.workspace.models import Workspace
from customers.models import Company, Customer
from sales.goals import goal_of
from sales.models import Deal, Goal, Pipeline, Product, StageChange
from sales.selectors import BoardFilter, board
from tasks.models import Task
from tasks.selectors import grouped, mine_or_team


@pytest.fixture
def demo(db: None) -> str:
    said = StringIO()
    call_command("demo", stdout=said)
    return said.getvalue()


def test_the_team_and_its_year(demo: str) -> None:
    assert "companies" in demo
    people = {u.email.split("@")[0]: u for u in User.objects.filter(email__endswith="@demo.example")}
    assert set(people) == {"admin", "manager", "manager2", "rep", "rep2", "support", "marketing", "readonly"}
    assert not any(u.has_usable_password() for u in people.values())
    assert people["rep"].team == people["manager"].team
    assert people["rep2"].team == people["manager2"].team
    assert people["rep"].team != people["rep2"].team

    assert Customer.objects.count() > 110
    outcomes = set(Deal.objects.values_list("outcome", flat=True))
    assert outcomes == {"open", "won", "lost"}
    oldest = StageChange.objects.order_by("happened_at").values_list("happened_at", flat=True)[0]
    assert oldest < timezone.now() - timedelta(days=300)
    assert not StageChange.objects.filter(happened_at__gt=timezone.now()).exists()
    assert Task.objects.filter(status="PENDING").exists()
    assert Interaction.objects.count() > 300

    seen = set(visible_to(people["rep"], Deal).values_list("assigned_user__email", flat=True))
    assert "rep2@demo.example" not in seen


def test_the_boards_look_alive(demo: str) -> None:
    owner = User.objects.get(email="rep@demo.example")
    cards = [card for c in board(owner, BoardFilter(Pipeline.objects.get(is_default=True))).columns for card in c.cards]
    assert {card.next_step.tone for card in cards if card.next_step} == {"danger", "warning", "success"}
    assert any(card.idle_days for card in cards)
    assert any(card.late for card in cards)
    for deal in Deal.objects.prefetch_related("lines", "deal_contacts"):
        assert sum(line.total for line in deal.lines.all()) == deal.value > 0
        assert deal.deal_contacts.count() >= 1
    assert goal_of(owner)
    assert {g.key for g in grouped(owner, mine_or_team(owner, "mine")) if g.count} >= {"late", "today", "none", "done"}


def test_history_is_dated_and_fires_nothing(demo: str) -> None:
    assert not Delivery.objects.exists()
    facts = ActivityLog.objects.filter(kind="fact", action="sales.deal_won", entity_id__in=Deal.objects.values("pk"))
    assert facts.count() == Deal.objects.filter(outcome="won").count()
    assert facts.filter(created_at__lt=timezone.now() - timedelta(days=30)).exists()
    for deal in Deal.objects.all()[:20]:
        moves = list(deal.stage_changes.order_by("happened_at"))
        assert moves[0].from_stage_id is None
        assert moves[-1].to_stage_id == deal.stage_id
        assert all(a.to_stage_id == b.from_stage_id for a, b in pairwise(moves))


def test_twice_is_refused(demo: str) -> None:
    with pytest.raises(CommandError, match="already"):
        call_command("demo")


def test_it_stays_while_nobody_else_administers(demo: str) -> None:
    with pytest.raises(CommandError, match="administrator"):
        call_command("demo", remove=True)


def test_it_goes_in_one_go(make_user: Callable[..., User]) -> None:
    make_user("ADMIN", email="boss@example.com")
    call_command("demo", stdout=StringIO())
    call_command("demo", remove=True, stdout=StringIO())
    for model in (Company, Customer, Deal, Product, Interaction, Task):
        assert model.everything.count() == 0, model
    assert not StageChange.objects.exists()
    assert not Team.objects.exists()
    assert not Goal.objects.exists()
    assert list(User.objects.values_list("email", flat=True)) == ["boss@example.com"]
    assert ChangeSet.objects.filter(undoes__label="Demo data").exists()


def test_the_first_sign_in_asks_once(client_for: Callable[..., Client], admin: User, rep: User) -> None:
    """Name, currency and demo data; then never again, and never to others."""
    client = client_for(admin)
    assert client_for(rep).get("/welcome")["Location"] == "/"
    assert "Start with demo data" in client.get("/welcome").content.decode()
    assert client.post("/welcome", {"name": "", "currency": "EUR"}).status_code == 422
    assert client.post("/welcome", {"name": "Acme", "currency": "EUR", "demo": "on"})["Location"] == "/"
    row = Workspace.objects.get()
    assert (row.name, row.currency) == ("Acme", "EUR")
    assert Job.objects.filter(kind="demo.load").count() == 1
    assert client.get("/welcome")["Location"] == "/"


def test_a_demo_administrator_removes_the_demo_and_stays(demo: str, client_for: Callable[..., Client]) -> None:
    """Everything goes but the account of whoever asked; others may not ask."""
    me = User.objects.get(email="admin@demo.example")
    client = client_for(me)
    rep = User.objects.get(email="rep@demo.example")
    assert client_for(rep).post("/settings/demo", {"remove": "1"}).status_code == 403
    assert "cannot be undone" in client.get("/settings/demo").content.decode()
    client.post("/settings/demo", {"remove": "1"})
    run_now(Job.objects.get(kind="demo.remove"))
    assert Job.objects.get(kind="demo.remove").state == Job.State.SUCCEEDED, Job.objects.get(kind="demo.remove").error
    for model in (Company, Customer, Deal, Interaction, Task):
        assert model.everything.count() == 0, model
    assert set(User.objects.active().values_list("email", flat=True)) == {me.email}
    assert client.get("/settings/demo").status_code == 200
