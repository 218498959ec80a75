"""The access battery: one record, everybody of the cast, every door.

    class TestDealAccess(AccessBattery):
        entity = "deal"
        sees = {"admin", "manager", "rep", "readonly"}
        changes = {"admin", "manager", "rep"}
        deletes = {"admin", "manager", "rep"}
        patch = {"title": "Another"}

        @pytest.fixture
        def record(self, rep):
            return DealFactory(assigned_user=rep)

Whoever is not named sees nothing: 404 on every address, and no trace in lists.
"""

from collections.abc import Callable
from typing import Any

import pytest

from crm.access.policy import allows, visible_to
from crm.accounts.models import User
from crm.records.entity import entity
from crm.testing.fixtures import CAST


@pytest.mark.django_db
class AccessBattery:
    """Tests that a model inherits: who sees a record, who changes it, who deletes it; everyone else gets 404."""

    entity: str
    sees: set[str]
    changes: set[str] = set()
    deletes: set[str] = set()
    patch: dict[str, Any] = {}

    @pytest.fixture
    def record(self) -> Any:
        """Return the record that the battery is about (a subclass says which)."""
        raise NotImplementedError

    @property
    def path(self) -> str:
        """Return the path of the records: ``/deals``."""
        return f"/{entity(self.entity).plural}"

    @pytest.fixture(params=sorted(CAST))
    def who(self, request: pytest.FixtureRequest) -> str:
        """Return each of the cast in turn."""
        return str(request.param)

    def test_rows(self, record: Any, who: str, cast: Callable[[str], User]) -> None:
        """The queryset that every door starts from holds the record, or does not."""
        assert visible_to(cast(who), type(record)).filter(pk=record.pk).exists() == (who in self.sees)

    def test_actions(self, record: Any, who: str, cast: Callable[[str], User]) -> None:
        """The policy's answers to single questions agree with the rows."""
        user = cast(who)
        assert allows(user, "view", record) == (who in self.sees)
        assert allows(user, "change", record) == (who in self.changes)
        assert allows(user, "delete", record) == (who in self.deletes)

    def test_api_record(self, record: Any, who: str, cast: Callable[[str], User], api: Any) -> None:
        """The API shows the record, or knows nothing of it."""
        answer = api(cast(who)).get(f"/api/v1{self.path}/{record.pk}")
        assert answer.status_code == (200 if who in self.sees else 404)

    def test_api_list(self, record: Any, who: str, cast: Callable[[str], User], api: Any) -> None:
        """The API's list holds the record, or does not even count it."""
        answer = api(cast(who)).get(f"/api/v1{self.path}")
        found = {row["id"] for row in answer.json().get("data") or []}
        assert (str(record.pk) in found) == (who in self.sees)

    def test_api_change(self, record: Any, who: str, cast: Callable[[str], User], api: Any) -> None:
        """The API changes the record, refuses (403 where it is seen), or knows nothing of it (404)."""
        answer = api(cast(who)).patch(f"/api/v1{self.path}/{record.pk}", self.patch, format="json")
        assert answer.status_code == (200 if who in self.changes else 403 if who in self.sees else 404)

    def test_api_delete(self, record: Any, who: str, cast: Callable[[str], User], api: Any) -> None:
        """The API deletes the record, refuses, or knows nothing of it; a refusal changes nothing."""
        answer = api(cast(who)).delete(f"/api/v1{self.path}/{record.pk}")
        if who in self.deletes:
            assert answer.status_code in (200, 204)
        else:
            assert answer.status_code == (403 if who in self.sees else 404)
            assert type(record)._default_manager.filter(pk=record.pk).exists()

    def test_page(self, record: Any, who: str, cast: Callable[[str], User], client_for: Any) -> None:
        """The record's page is shown, or is not there."""
        if "pages" not in entity(self.entity).abilities:
            return
        answer = client_for(cast(who)).get(f"{self.path}/{record.pk}")
        assert answer.status_code == (200 if who in self.sees else 404)

    def test_strangers(self, record: Any, api: Any, client_for: Any) -> None:
        """Without signing in there is nothing: 401 from the API, the sign-in page from the pages."""
        assert api(None).get(f"/api/v1{self.path}/{record.pk}").status_code == 401
        if "pages" in entity(self.entity).abilities:
            answer = client_for(None).get(f"{self.path}/{record.pk}")
            assert answer.status_code in (302, 303)
            assert str(record.pk) not in answer.content.decode()
