"""The board in two browsers at once: what one person moves, the other sees; a reload is not needed."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from crm.accounts.models import User
from crm.activity.relay import relay_all
from crm.workspace.services.setup import ensure_reference_data
from sales.models import Deal, Pipeline
from sales.services.deals import move_deal
from sales.tests.factories import DealFactory
from tests.e2e.conftest import playwright

expect = playwright.expect
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """Run the real server on the test database: Django's own knows no sockets."""
    call_command("collectstatic", interactive=False, verbosity=0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = connection.settings_dict
    host = quote(str(database["HOST"]), safe="")
    user = f"{database['USER']}:{database['PASSWORD']}" if database["PASSWORD"] else database["USER"]
    environment = {
        **os.environ, "DATABASE_URL": f"postgresql://{user}@/{database['NAME']}?host={host}", "RAPPORT_ENV": "test",
        "SITE_URL": f"http://localhost:{port}", "SECRET_KEY": settings.SECRET_KEY, "REDIS_URL": settings.REDIS_URL,
        "RAPPORT_HOME": str(settings.HOME),
    }
    granian = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "--host", "127.0.0.1"]
    with (tmp_path / "server.log").open("w") as log:
        running = subprocess.Popen(
            [*granian, "crm.asgi:application"], cwd=settings.BASE_DIR, env=environment, stdout=log, stderr=log
        )
        try:
            _wait(f"http://localhost:{port}/health/live")
            yield f"http://localhost:{port}"
        finally:
            running.terminate()
            running.wait(10)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("The server did not start.")


def _relay() -> None:
    try:
        relay_all()
    finally:
        connection.close()


def test_a_move_appears_in_the_other_browser(open_as: Callable[..., Any], rep: User, manager: User) -> None:
    """The card changes its column, and the heads their sums, for everyone who looks at the board."""
    ensure_reference_data()
    stages = {s.code: s for s in Pipeline.objects.get(is_default=True).stages.all()}
    deal: Any = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None, title="Harbour cranes", value=4200)
    mine = open_as(rep, "/deals?layout=board")
    theirs = open_as(manager, "/deals?layout=board&lanes=none")
    for page in (mine, theirs):
        page.wait_for_selector("html[data-socket='on']")
        expect(page.locator(f"#col-{stages['PROSPECTING'].pk} #d-{deal.pk}")).to_be_visible()
    mine.locator(f"#d-{deal.pk}").focus()
    mine.keyboard.press("3")
    expect(mine.locator(f"#col-{stages['PROPOSAL'].pk} #d-{deal.pk}")).to_be_visible()
    expect(mine.locator(f"#d-{deal.pk}[data-pending]")).to_have_count(0)
    assert Deal.objects.get(pk=deal.pk).stage == stages["PROPOSAL"]
    with ThreadPoolExecutor(1) as relay:  # in this thread the browser keeps an event loop
        relay.submit(_relay).result(20)
    expect(theirs.locator(f"#col-{stages['PROPOSAL'].pk} #d-{deal.pk}")).to_be_visible()
    expect(theirs.locator(f"#d-{deal.pk} .deal-by")).to_have_text(rep.name)
    expect(theirs.locator(f"#col-{stages['PROPOSAL'].pk} [data-sum]")).to_have_text("$4,200")
    expect(theirs.locator(f"#col-{stages['PROSPECTING'].pk} [data-n]")).to_have_text("0")


def test_who_edits_a_deal_anywhere_is_named_on_its_card(open_as: Callable[..., Any], rep: User, manager: User) -> None:
    """On the record page, or in the quick view of a list; and no longer when it is left."""
    ensure_reference_data()
    stages = {s.code: s for s in Pipeline.objects.get(is_default=True).stages.all()}
    deal: Any = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None, title="Harbour cranes", value=4200)
    board = open_as(manager, "/deals?layout=board&lanes=none")
    card = board.locator(f"#d-{deal.pk}")
    board.wait_for_selector("html[data-socket='on']")
    expect(board.locator(".live:not(.live-quiet)")).to_have_text("Live")
    for path in (f"/deals/{deal.pk}", f"/deals?layout=table&peek=/deals/{deal.pk}"):
        page = open_as(rep, path)
        page.wait_for_selector("html[data-socket='on']")
        page.locator(f"[id$='{deal.pk}-value'] button.fval").last.click()
        page.locator("crm-inline input[name=value]").focus()
        expect(card.locator(".deal-by")).to_have_text(f"{rep.name} is editing")
        page.keyboard.press("Escape")
        expect(card.locator(".deal-by")).to_have_count(0)


def test_what_happens_before_a_page_hears_is_shown_when_it_does(new_page: Callable[..., Any], server: str, rep: User, manager: User) -> None:
    """A page that has heard nothing yet goes on from when it was drawn."""
    ensure_reference_data()
    stages = {s.code: s for s in Pipeline.objects.get(is_default=True).stages.all()}
    deal: Any = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None, title="Harbour cranes", value=4200)
    page = new_page(rep)
    may_connect: list[bool] = []
    page.route_web_socket(re.compile("/ws/$"), lambda ws: ws.connect_to_server() if may_connect else ws.close())
    page.goto(server + "/deals?layout=board")
    page.wait_for_selector("html[data-ready]")
    page.wait_for_timeout(1100)  # the page knows its moment by the second
    move_deal(deal=deal, stage=stages["PROPOSAL"], actor=manager)
    with ThreadPoolExecutor(1) as relay:
        relay.submit(_relay).result(20)
    expect(page.locator(f"#col-{stages['PROSPECTING'].pk} #d-{deal.pk}")).to_be_visible()
    may_connect.append(True)
    expect(page.locator(f"#col-{stages['PROPOSAL'].pk} #d-{deal.pk}")).to_be_visible()
