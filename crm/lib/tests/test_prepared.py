"""Prepared queries give what the queryset gives, whatever the values."""

import threading
import uuid

import pytest
from django.db import connections
from django.db.models import Value

from crm.accounts.models import Role, User
from crm.lib.prepared import PreparedOne, PreparedRows

pytestmark = pytest.mark.django_db
NOBODY = uuid.UUID(int=1)


def by_address(pk, active):
    return User.objects.filter(pk=pk, department=active).select_related("role", "team").annotate(hello=Value("yes"))


def test_an_instance_is_as_the_queryset_gives_it(make_user, django_assert_num_queries):
    prepared = PreparedOne(by_address, samples=(NOBODY, "no such department"))
    users = [make_user(code, department="Sales") for code in ("SALES_REP", "ADMIN")]
    for user in users:
        expected = by_address(user.pk, "Sales").get()
        with django_assert_num_queries(1):
            found = prepared.first(user.pk, "Sales")
            assert found is not None
            assert (found.role.code, found.team) == (expected.role.code, None)
        assert {k: v for k, v in vars(found).items() if k != "_state"} == {k: v for k, v in vars(expected).items() if k != "_state"}
        assert found._state.adding is False
    assert prepared.first(users[0].pk, "Support") is None
    assert prepared.first(NOBODY, "Sales") is None


def test_rows_of_any_number_of_ids():
    prepared = PreparedRows(lambda ids: Role.objects.filter(pk__among=ids).values("id", "code"), samples=([NOBODY],))
    roles = {r.pk: r.code for r in Role.objects.all()}
    for ids in ([], list(roles)[:1], list(roles), [NOBODY]):
        assert {r["id"]: r["code"] for r in prepared.rows(ids)} == {pk: roles[pk] for pk in ids if pk in roles}


def test_a_value_that_the_query_does_not_hold_is_an_error():
    with pytest.raises(ValueError, match="Not every value"):
        PreparedOne(lambda pk, other: User.objects.filter(pk=pk), samples=(NOBODY, "gone")).first(NOBODY, "x")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("planned", [True, False])
def test_threads_share_it(planned):
    role = Role.objects.create(code="SHARED", name="Shared")
    prepared = PreparedRows(lambda ids: Role.objects.filter(pk__among=ids).values("code"), samples=([NOBODY],), planned=planned)
    found = []

    def ask():
        try:
            found.append(prepared.rows([role.pk]))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[{"code": "SHARED"}]] * 8
