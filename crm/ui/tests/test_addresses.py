"""Addresses that nobody links to: with a slash at the end, and what browsers ask for at the root."""

from typing import Any

import pytest


@pytest.mark.django_db
def test_a_slash_at_the_end_leads_on(rep: Any, client_for: Any) -> None:
    page = client_for(rep)
    for typed, there in (("/styleguide/", "/styleguide"), ("/customers/?q=a%26b", "/customers?q=a%26b")):
        answer = page.get(typed)
        assert (answer.status_code, answer["Location"]) == (301, there)
    assert page.get("/ghost/").status_code == 404
    assert page.post("/customers/").status_code == 404


def test_browsers_and_crawlers_are_answered(client: Any) -> None:
    assert client.get("/favicon.ico")["Location"].endswith(".svg")
    assert b"Disallow: /" in client.get("/robots.txt").content


@pytest.mark.django_db
def test_the_number_of_tasks_has_its_place_in_the_side_bar(rep: Any, client_for: Any) -> None:
    page = client_for(rep)
    assert 'id="badge-tasks"' in page.get("/").content.decode()
    assert "#badge-tasks" in page.get("/badges").content.decode()
