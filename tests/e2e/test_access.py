"""People and access in a browser: conditions of permissions, looking as a role, passkeys, and the admin under the policy."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from crm.accounts.models import Role, RolePermission, User
from crm.workspace.services.setup import ensure_reference_data
from tests.e2e.conftest import playwright

expect = playwright.expect
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sellers(admin: User) -> Role:
    """Return a role that inherits from sales representatives."""
    ensure_reference_data()
    made: Role = Role.objects.create(code="SELLERS", name="Sellers", parent=Role.objects.get(code="SALES_REP"))
    return made


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_a_condition_is_built_by_keyboard_and_saved_with_the_matrix(open_as: Callable[..., Any], admin: User, sellers: Role, phone: bool) -> None:
    page = open_as(admin, f"/settings/roles/{sellers.pk}", phone=phone)
    page.locator("#if-deal-change").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#dialog[open] [name='q-0.field']")
    page.select_option("[name='q-0.field']", "value")
    expect(page.locator("[name='q-0.op']")).to_contain_text("is less than")
    page.select_option("[name='q-0.op']", "lt")
    page.wait_for_timeout(600)
    page.locator("#dialog .btn[value=apply]").press("Enter")
    expect(page.locator("#dialog .qrow .field-errors")).to_be_visible()  # refused at its row
    page.locator("[name='q-0.value']").press_sequentially("1000")
    expect(page.locator(".query-words")).to_contain_text("only if Value is less than 1,000")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#dialog .btn[value=apply]").press("Enter")
    expect(page.locator("#dialog")).not_to_be_visible()
    expect(page.locator("#if-deal-change")).to_be_focused()
    expect(page.locator("#if-deal-change")).to_contain_text("only if Value is less than 1,000")
    expect(page.locator(".save-note").first).to_be_visible()
    assert not RolePermission.objects.filter(role=sellers).exists()
    page.get_by_role("button", name="Save permissions").press("Enter")
    expect(page.get_by_text("Saved. It holds from now on.")).to_be_visible()
    cell = RolePermission.objects.get(role=sellers, entity="deal", action="change")
    assert cell.condition == {"version": 1, "all": [{"field": "value", "op": "lt", "value": "1000"}]}


def test_looking_as_a_role_is_told_on_every_page_and_ends_by_one_button(open_as: Callable[..., Any], admin: User) -> None:
    ensure_reference_data()
    page = open_as(admin, f"/settings/roles/{Role.objects.get(code='READ_ONLY').pk}")
    site = page.url.split("/settings")[0]
    page.get_by_role("button", name="View as this role").click()
    expect(page.locator(".preview-bar")).to_contain_text("You see Rapport as “Read only”")
    page.goto(f"{site}/customers")
    expect(page.locator(".preview-bar")).to_be_visible()
    page.locator(".preview-bar button").click()
    page.wait_for_url(re.compile("/settings/roles"))
    expect(page.locator(".preview-bar")).to_have_count(0)


def test_a_passkey_is_added_and_signs_in(open_as: Callable[..., Any], rep: User) -> None:
    page = open_as(rep, "/settings/security")
    site = page.url.split("/settings")[0]
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
    }})
    page.goto(f"{site}/account/passkeys/add")
    page.fill("[name=name]", "Laptop")
    page.check("[name=passwordless]")
    page.click("#mfa_webauthn_add")
    page.wait_for_url(lambda url: "/passkeys/add" not in url)
    page.goto(f"{site}/account/passkeys")
    expect(page.locator(".entrance-card")).to_contain_text("Laptop")
    page.goto(f"{site}/account/sign-out")
    page.locator(".entrance-card button[type=submit]").click()
    page.goto(f"{site}/account/sign-in")
    page.click("#passkey_login")
    page.wait_for_url(lambda url: "/account/" not in url)
    expect(page.locator("body")).to_have_attribute("data-user", str(rep.pk))


def test_the_admin_keeps_the_policy_and_fits(open_as: Callable[..., Any], admin: User) -> None:
    """The console is empty (the fixture watches it), and only tables are wider than the screen, within themselves."""
    ensure_reference_data()
    role = Role.objects.get(code="SALES_REP")
    page = open_as(admin, "/settings")
    site = page.url.split("/settings")[0]
    for path in ("/admin/", "/admin/accounts/user/", "/admin/accounts/user/add/", f"/admin/accounts/role/{role.pk}/change/", "/admin/sales/deal/"):
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 844})
            page.goto(site + path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
