"""People named in a text, and the formatting of notes."""

import re

import pytest

from crm.accounts.models import User
from crm.lib.markup import to_html
from crm.lib.merging import merge_texts
from crm.records.mentions import mentioned_in


@pytest.mark.django_db
def test_people_are_found_by_name_and_address_and_the_longer_name_wins(admin: User, rep: User, rep2: User, manager: User) -> None:
    User.objects.filter(pk=rep.pk).update(first_name="Ana", last_name="")
    User.objects.filter(pk=rep2.pk).update(first_name="Ana", last_name="Lima (EU)")
    found = mentioned_in(f"Ask @ana lima (eu), and @{manager.email}.")
    assert {u.pk for u in found} == {rep2.pk, manager.pk}
    assert mentioned_in("Mail ana@x.example or @Anabel") == []
    User.objects.filter(pk=rep2.pk).update(is_active=False)
    assert {u.pk for u in mentioned_in("@Ana Lima (EU)")} == {rep.pk}


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](https://evil.example/x.png)", '<b onclick="x()">',
             "[x](data:text/html,x)", "<https://x.example\" onmouseover=alert(1)>", "# Head\n\n<style>*{}</style>"],
)
def test_nothing_but_the_little_formatting_gets_through(text: str) -> None:
    html = to_html(text).lower()
    tags = re.findall(r"<(/?\w+)([^>]*)>", html)
    assert {name.strip("/") for name, _rest in tags} <= {"p", "a", "br", "strong", "em"}
    assert not any("javascript:" in rest or "data:" in rest or re.search(r'" on\w+=', rest) for _name, rest in tags)


def test_what_is_formatted_and_who_is_named() -> None:
    html = to_html("**Yes** to @Priya Nair, *see* https://x.example/a?b=1.\n\n- one\n- two", ["Priya Nair"])
    assert "<strong>Yes</strong>" in html
    assert '<span class="mention">@Priya Nair</span>' in html
    assert 'href="https://x.example/a?b=1"' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert "<li>one</li>" in html


def test_two_edits_of_one_text_are_united_unless_they_touch() -> None:
    base = "Call them. Send the offer.\nWait."
    assert merge_texts(base, base.replace("them", "Ana"), base.replace("Wait", "Ask")) == "Call Ana. Send the offer.\nAsk."
    assert merge_texts(base, base.replace("them", "Ana"), base.replace("them", "Bo")) is None
    assert merge_texts(base, base, base + " More") == base + " More"
    assert merge_texts("", "Mine", "Theirs") is None
