"""Many at once, each on a connection of its own: nothing is lost, doubled or half done (BL-02, BL-05, FL-11, DO-11; double undo, double bulk)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from crm.accounts.models import User
from crm.activity.intention import intend
from crm.activity.models import ChangeSet
from crm.activity.undo import undo
from crm.lib.errors import Refusal
from crm.records.services import create_record, update_record
from crm.workspace.services.users import deactivate_user
from customers.models import Company, Customer

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run all acts at the same moment, each in a thread with its own connection; return what each gave or raised."""
    start = threading.Barrier(len(acts))
    found: list[Any] = [None] * len(acts)

    def run(n: int) -> None:
        try:
            start.wait(20)
            found[n] = acts[n]()
        except Exception as error:
            found[n] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def client_of(user: User) -> APIClient:
    """Return an API client of a user."""
    client = APIClient()
    client.force_login(user)
    return client


def test_of_eight_equal_addresses_one_wins(rep: User) -> None:
    clients = [client_of(rep) for _n in range(8)]
    answers = at_once(*(
        lambda c=c: c.post("/api/v1/customers", {"last_name": "Same", "email": "same@example.com"}, format="json") for c in clients
    ))
    codes = sorted(a.status_code for a in answers)
    assert codes[0] == 201
    assert codes[1:].count(409) + codes[1:].count(400) == 7
    assert Customer.objects.filter(email="same@example.com").count() == 1


def test_two_administrators_do_not_remove_each_other(admin: User, make_user: Any) -> None:
    other = make_user("ADMIN", email="second@example.com")
    at_once(
        lambda: deactivate_user(user=User.objects.get(pk=other.pk), actor=User.objects.get(pk=admin.pk), successor=None),
        lambda: deactivate_user(user=User.objects.get(pk=admin.pk), actor=User.objects.get(pk=other.pk), successor=None),
    )
    assert User.objects.active().filter(role__is_admin=True).count() >= 1


def test_an_undo_happens_once(rep: User) -> None:
    made = create_record(of="customer", data={"last_name": "First"}, actor=rep)
    with intend(actor=rep) as mark:
        update_record(obj=made, data={"last_name": "Second"}, actor=rep)
    answers = at_once(*(
        lambda: undo(change_set=ChangeSet.objects.get(pk=mark.id), actor=User.objects.get(pk=rep.pk)) for _n in range(4)
    ))
    assert sum(isinstance(a, ChangeSet) for a in answers) == 1
    assert all(isinstance(a, ChangeSet | Refusal) for a in answers), answers
    assert Customer.objects.get(pk=made.pk).last_name == "First"
    assert ChangeSet.objects.filter(undoes_id=mark.id).count() == 1


def test_one_key_makes_one_record(rep: User) -> None:
    clients = [client_of(rep) for _n in range(8)]
    answers = at_once(*(
        lambda c=c: c.post("/api/v1/companies", {"name": "Once"}, format="json", HTTP_IDEMPOTENCY_KEY="the-same") for c in clients
    ))
    assert {a.status_code for a in answers} <= {201, 409}
    assert len({a.json()["data"]["id"] for a in answers if a.status_code == 201}) == 1


def test_the_same_bulk_act_twice_is_done_once_to_each(rep: User) -> None:
    ids = [str(create_record(of="customer", data={"last_name": f"C{n}"}, actor=rep).pk) for n in range(5)]
    clients = [client_of(rep) for _n in range(3)]
    answers = at_once(*(lambda c=c: c.post("/customers/bulk/delete", {"ids": ids}, format="multipart") for c in clients))
    assert all(a.status_code in (200, 302) for a in answers), answers
    assert Customer.objects.count() == 0
    assert Customer.everything.filter(deleted_at__isnull=False, version=2).count() == 5


def test_who_names_the_same_new_tag_and_company_at_once_gets_the_same(rep: User) -> None:
    clients = [client_of(rep) for _n in range(8)]
    body = {"last_name": "Same", "tags": ["fresh", "newer"], "company": "Fresh Ltd"}
    turned = {**body, "tags": ["newer", "fresh"]}
    answers = at_once(*(
        lambda c=c, n=n: c.post("/api/v1/customers", turned if n % 2 else body, format="json") for n, c in enumerate(clients)
    ))
    assert [a.status_code for a in answers] == [201] * 8
    assert len({a.json()["data"]["company"]["id"] for a in answers}) == 1
    assert all(sorted(a.json()["data"]["tags"]) == ["fresh", "newer"] for a in answers)
    assert Company.objects.filter(name="Fresh Ltd").count() == 1


@pytest.mark.parametrize("atomic", ["true", "false"])
def test_bulk_requests_for_the_same_records_do_not_lock_up(rep: User, atomic: str) -> None:
    ids = [str(create_record(of="customer", data={"last_name": f"C{n}"}, actor=rep).pk) for n in range(12)]
    clients = [client_of(rep) for _n in range(4)]

    def operations(n: int) -> list[dict[str, Any]]:
        turned = ids[n * 3 :] + ids[: n * 3] if n % 2 else ids[::-1]
        return [{"op": "update", "id": pk, "data": {"first_name": f"F{n}"}} for pk in turned]

    answers = at_once(*(
        lambda c=c, n=n: c.post(f"/api/v1/customers/bulk?atomic={atomic}", {"operations": operations(n)}, format="json")
        for n, c in enumerate(clients)
    ))
    assert [a.status_code for a in answers] == [200] * 4, [a.content[:200] for a in answers]
    assert all(a.json()["metadata"]["failed"] == 0 for a in answers)
    assert len(set(Customer.objects.values_list("first_name", flat=True))) == 1
